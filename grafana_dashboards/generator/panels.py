"""The kinds of panels: stat, bar gauge and time series."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict, TypeVar, Unpack

from grafana_foundation_sdk.builders import bargauge, common, dashboard, timeseries
from grafana_foundation_sdk.builders.stat import Panel as StatPanel
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    DashboardLinkType,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from . import limits
from .palette import NEUTRAL, SERIES
from .queries import Query, source

NONE = {"0": "none"}
"""A value mapping that shows 0 as "none"."""

Panel = StatPanel | bargauge.Panel | timeseries.Panel
_Kind = TypeVar("_Kind", StatPanel, bargauge.Panel, timeseries.Panel)


class Context(TypedDict):
    """What every panel has.

    description: what it means, and what to do about a bad value.
    no_value: why it may have no data.
    spec: the metric of the specification that it shows, if any.
    alerts: those that compare with it: their thresholds set its colours, their runbooks are linked.
    scale: the factor from the alerts' unit to the panel's, such as 3600 from hours to seconds.
    runbooks: further alerts whose runbooks are linked.
    links: uids of dashboards that show more, by the text of the link.
    objective: the objective in prometheus/thresholds/ whose percentage it must reach.
    colours: of its values, where neither alerts nor an objective set them.
    decimals: digits after the decimal point.
    """

    description: str
    no_value: str
    spec: NotRequired[str]
    alerts: NotRequired[Iterable[str]]
    scale: NotRequired[float]
    runbooks: NotRequired[Iterable[str]]
    links: NotRequired[Mapping[str, str]]
    objective: NotRequired[str]
    colours: NotRequired[list[Threshold]]
    decimals: NotRequired[int]


def stat(
    title: str,
    query: Query,
    unit: str,
    *,
    width: int = 4,
    height: int = 4,
    mappings: Mapping[str, str] | None = None,
    **context: Unpack[Context],
) -> StatPanel:
    """Return a panel with one value, of now. If its series has ended it shows that, and not the last known value.

    mappings: texts that are shown in place of values.
    """
    panel = StatPanel().height(height).span(width).color_mode(shapes.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(shapes.BigValueGraphMode.NONE).text_mode(shapes.BigValueTextMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if mappings:
        panel.mappings(
            [
                ValueMap(
                    options={
                        value: ValueMappingResult(text=text, index=index)
                        for index, (value, text) in enumerate(mappings.items())
                    }
                )
            ]
        )
    return _complete(panel, title, [query], unit, True, context)


def firing(
    title: str,
    matchers: str,
    *,
    width: int = 4,
    height: int = 4,
    description: str,
    runbooks: Iterable[str] = (),
) -> StatPanel:
    """Return the number of firing alerts that have the labels of `matchers`; the rest is as of :func:`stat`."""
    return stat(
        title,
        Query(f'count(ALERTS{{alertstate="firing", {matchers}}}) or vector(0)'),
        "none",
        width=width,
        height=height,
        mappings=NONE,
        colours=limits.none(),
        no_value="Prometheus does not answer.",
        description=description,
        runbooks=runbooks,
    )


def bar_gauge(
    title: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = 12,
    maximum: float | None = None,
    **context: Unpack[Context],
) -> bargauge.Panel:
    """Return horizontal bars, one for each series, of now or of the time range; `maximum` is the end of the scale."""
    panel = bargauge.Panel().height(8).span(width).orientation(shapes.VizOrientation.HORIZONTAL)
    panel.display_mode(shapes.BarGaugeDisplayMode.BASIC).value_mode(shapes.BarGaugeValueMode.TEXT).min(0)
    panel.name_placement(shapes.BarGaugeNamePlacement.TOP)
    # the value of a single bar would be as high as the panel
    panel.sizing(shapes.BarGaugeSizing.MANUAL).min_viz_width(8).min_viz_height(16).max_viz_height(75)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if maximum is not None:
        panel.max(maximum)
    return _complete(panel, title, queries, unit, True, context)


def time_series(
    title: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = 8,
    stacked: bool = False,
    last: str = "",
    step: str = "",
    minimum: float | None = 0,
    maximum: float | None = None,
    soft: tuple[float, float] | None = None,
    **context: Unpack[Context],
) -> timeseries.Panel:
    """Return lines over time, or stacked bars.

    minimum, maximum: ends of the axis; None ends it at the smallest or greatest value.
    soft: what the axis shows at least, if `minimum` and `maximum` let it.
    last: the time range, whatever range the page shows; the title or the row names it.
    step: the time of one bar, or between two points.
    """
    panel = timeseries.Panel().height(8).span(width).span_nulls(False)
    panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(shapes.LegendDisplayMode.LIST)
        .placement(shapes.LegendPlacement.BOTTOM)
    )
    panel.tooltip(common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING))
    limited = context.keys() & {"alerts", "objective", "colours"}
    panel.thresholds_style(
        common.GraphThresholdsStyleConfig().mode(
            shapes.GraphThresholdsStyleMode.DASHED if limited else shapes.GraphThresholdsStyleMode.OFF
        )
    )
    if stacked:
        panel.draw_style(shapes.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
        panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL).group("A"))
    else:
        panel.line_width(2).fill_opacity(0 if len(queries) > 1 else 10)
        # with one point a day, the first is not a line yet
        panel.show_points(shapes.VisibilityMode.ALWAYS if last else shapes.VisibilityMode.AUTO)
    if minimum is not None:
        panel.min(minimum)
    if maximum is not None:
        panel.max(maximum)
    if soft:
        panel.axis_soft_min(soft[0]).axis_soft_max(soft[1])
    if last:
        panel.time_from(last).hide_time_override(True)
    if step:
        panel.interval(step)
    many = any("{{" in query.legend and not query.colour for query in queries)
    for number, query in enumerate(queries):
        panel.override_by_query(_letter(number), _style(query, "" if many else SERIES[number % len(SERIES)]))
    return _complete(panel, title, queries, unit, False, context)


def _style(query: Query, colour: str) -> list[DynamicConfigValue]:
    """Return the style of a query's series: its colour or, without one, Grafana's next one for each of them.

    Grafana 12 does not know the mode `palette-colorblind` of Grafana 13.
    """
    fixed = query.colour or colour
    style = [
        DynamicConfigValue(
            "color",
            {"mode": FieldColorModeId.FIXED, "fixedColor": fixed}
            if fixed
            else {"mode": FieldColorModeId.PALETTE_CLASSIC},
        )
    ]
    if query.dashed:
        style.append(DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}))
    return style


def _complete(panel: _Kind, title: str, queries: Sequence[Query], unit: str, instant: bool, context: Context) -> _Kind:
    panel.title(title).unit(unit).no_value(context["no_value"]).datasource(source(queries[0].source))
    spec = f"\n\nMetric: {context['spec']}." if "spec" in context else ""
    panel.description(context["description"] + spec)
    panel.targets([query.build(_letter(number), instant) for number, query in enumerate(queries)])
    panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(_colours(context)))
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    if "decimals" in context:
        panel.decimals(context["decimals"])
    return panel.links(_links(context))


def _colours(context: Context) -> list[Threshold]:
    if "objective" in context:
        return limits.at_least(limits.objective(context["objective"]))
    if alerts := context.get("alerts"):
        return limits.steps(*alerts, scale=context.get("scale", 1))
    return context.get("colours", [Threshold(value=None, color=NEUTRAL)])


def _links(context: Context) -> list[Builder[DashboardLink]]:
    alerts = (*context.get("alerts", ()), *context.get("runbooks", ()))
    dashboards = context.get("links", {})
    return [
        *(runbook(alert) for alert in alerts),
        *(_link(text, f"/d/{uid}?${{__url_time_range}}") for text, uid in dashboards.items()),
    ]


def runbook(alert: str) -> dashboard.DashboardLink:
    """Return the link to the runbook of an alert.

    :raises KeyError: when there is no such alert.
    """
    return _link(f"Runbook {alert}", limits.runbook(alert))


def _link(title: str, url: str) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(url).target_blank(url.startswith("http"))


def _letter(number: int) -> str:
    return chr(ord("A") + number)
