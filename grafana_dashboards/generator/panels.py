"""The kinds of panels: a figure of now, bars that compare figures, and series over time."""

from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
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
"""The words of a figure that is best when there is nothing."""


def figure(
    title: str, query: Query, unit: str, *, width: int = 4, height: int = 4, words: dict[str, str] | None = None, **told
) -> stat.Panel:
    """Return one large figure: what is now. If its series has ended it tells so, and not what was last known.

    words: what to show in place of a value. The rest is as of :func:`_told`.
    """
    panel = stat.Panel().height(height).span(width).color_mode(shapes.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(shapes.BigValueGraphMode.NONE).text_mode(shapes.BigValueTextMode.VALUE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if words:
        panel.mappings(
            [
                ValueMap(
                    options={
                        value: ValueMappingResult(text=text, index=index)
                        for index, (value, text) in enumerate(words.items())
                    }
                )
            ]
        )
    return _told(panel, title, [query], unit, instant=True, **told)


def firing(title: str, which: str, **told) -> stat.Panel:
    """Return how many alerts fire that have the labels `which`."""
    query = Query(f'count(ALERTS{{alertstate="firing", {which}}}) or vector(0)')
    return figure(title, query, "none", words=NONE, colours=limits.none(), empty="Prometheus does not answer.", **told)


def bars(
    title: str, queries: Sequence[Query], unit: str, *, width: int = 12, most: float | None = None, **told
) -> bargauge.Panel:
    """Return horizontal bars, one for each series, of what is now or was in the time shown; `most` ends the scale."""
    panel = bargauge.Panel().height(8).span(width).orientation(shapes.VizOrientation.HORIZONTAL)
    panel.display_mode(shapes.BarGaugeDisplayMode.BASIC).value_mode(shapes.BarGaugeValueMode.TEXT).min(0)
    panel.name_placement(shapes.BarGaugeNamePlacement.TOP)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if most is not None:
        panel.max(most)
    return _told(panel, title, queries, unit, instant=True, **told)


def series(
    title: str,
    queries: Sequence[Query],
    unit: str,
    *,
    width: int = 8,
    stacked: bool = False,
    since: str = "",
    step: str = "",
    least: float | None = 0,
    **told,
) -> timeseries.Panel:
    """Return lines over time, or stacked bars.

    least: where the axis begins; None lets it begin at the smallest value.
    since: how far back it looks, whatever time the page shows; the title or the row says so.
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
    limited = told.keys() & {"alerts", "objective", "colours"}
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
        # of a point a day the first is no line
        panel.show_points(shapes.VisibilityMode.ALWAYS if since else shapes.VisibilityMode.AUTO)
    if least is not None:
        panel.min(least)
    if since:
        panel.time_from(since).hide_time_override(True)
    if step:
        panel.interval(step)
    for number, query in enumerate(queries):
        panel.override_by_query(_letter(number), _look(query, SERIES[number % len(SERIES)]))
    return _told(panel, title, queries, unit, instant=False, **told)


def _look(query, colour):
    """Its series have shades of one colour: many of them differ by lightness, which everybody sees."""
    look = [DynamicConfigValue("color", {"mode": FieldColorModeId.SHADES, "fixedColor": query.colour or colour})]
    if query.dashed:
        look.append(DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]}))
    return look


def _told(
    panel,
    title,
    queries,
    unit,
    *,
    instant: bool,
    spec: str,
    says: str,
    empty: str,
    alerts: Iterable[str] = (),
    runbooks: Iterable[str] = (),
    more: dict[str, str] | None = None,
    objective: str = "",
    colours: list[Threshold] | None = None,
    decimals: int | None = None,
):
    """Add what every panel has.

    spec: what the specification calls it, or why it is not there.
    says: what it means, and what to do when it is bad.
    empty: why there is nothing to see.
    alerts: those that compare with it: their figures are its colours, and their runbooks its links.
    runbooks: alerts whose runbooks are links too.
    more: the uid of the dashboard that shows more, by what it shows.
    objective: what percentage must be reached, by its name in thresholds/.
    colours: of its values, where neither says it.
    """
    panel.title(title).unit(unit).no_value(empty).datasource(source(queries[0].source))
    panel.description(f"{says}\n\nSpecification: {spec}.")
    panel.targets([query.build(_letter(number), instant) for number, query in enumerate(queries)])
    if objective:
        colours = limits.at_least(limits.objective(objective))
    elif alerts:
        colours = limits.steps(*alerts)
    colours = colours or [Threshold(value=None, color=NEUTRAL)]
    panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(colours))
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    if decimals is not None:
        panel.decimals(decimals)
    links = [runbook(alert) for alert in (*alerts, *runbooks)]
    links += [_link(text, f"/d/{uid}?${{__url_time_range}}") for text, uid in (more or {}).items()]
    return panel.links(links)


def runbook(alert: str) -> dashboard.DashboardLink:
    """Return the link to what to do about an alert.

    :raises KeyError: when there is no such alert.
    """
    return _link(f"Runbook {alert}", limits.runbook(alert))


def _link(title, url):
    return dashboard.DashboardLink(title).type(DashboardLinkType.LINK).url(url).target_blank(url.startswith("http"))


def _letter(number):
    return chr(ord("A") + number)
