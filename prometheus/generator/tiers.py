"""The recording rules of the long-term tiers: every metric in steps of 5 minutes and of 1 hour, without its instances.

The specification's table of downsampling says how: gauges are averaged, counters summed, histograms merged, bucket by
bucket. What a counter grew by in each step is recorded, not the counter: over instances that come, go and restart
only growth adds up, and ``sum_over_time`` of it gives the increase over any longer time. docs/storage.md has the
queries.
"""

from collections.abc import Iterable, Iterator

from influencegen_telemetry.business.specification import SPECIFICATION
from odoo_telemetry.metrics.catalogue import METRICS, Metric

from .promql import in_database
from .recording.series import part_of
from .rules import Group, Part, Recording
from .scraping import GROUPS

STEP_SECONDS = 300
"""The step of the finer tier; the coarser one is made of twelve of them, so that both agree."""

OF_ONE_SERVER = {"odoo_concurrent_users"}
"""Gauges that are kept by database, and yet describe the one server that exports them."""

WITHOUT = "without (instance, slot)"
"""What only distinguishes parts of a whole: servers, and the slots of their workers."""

WHOLE, MILLI = "", ", 0.001"
"""Rounding of an increase: counts are whole numbers, seconds are not."""


_PARTS: tuple[Part, ...] = ("odoo", "influencegen")

Series = tuple[str, str]
"""The name of a series, without its level, and the expression that it records."""

_EVENTS = "influencegen:slo_events:increase_5m"
_OF_PART: dict[Part, tuple[Series, ...]] = {
    "odoo": (),
    "influencegen": (
        ("slo_events:increase", f"round({_EVENTS}, 0.001)"),
        ("slo_failed:increase", f"round(influencegen:slo_errors:ratio_5m * {_EVENTS}, 0.001)"),
    ),
}
"""What objectives over 30 days are computed from: Prometheus has fewer days."""


def files() -> dict[str, list[Group]]:
    """Return the groups of both tiers by name of their file.

    They record ``tier5m:<metric>:<operation>`` and ``tier1h:<metric>:<operation>``, where the operation is ``increase``
    (what a counter, or a bucket, grew by in the step) or ``avg`` (of a gauge over the step).
    """
    return {f"{part}_tiers": _groups(part) for part in _PARTS}


def _groups(part: Part) -> list[Group]:
    steps = [*_of_catalogue(part), *_of_other_exporters(part), *_OF_PART[part]]
    hours = [(name, f"{_over_an_hour(name)}(tier5m:{name}[1h])") for name, _ in steps]
    return [_group(part, "5m", steps), _group(part, "1h", hours)]


def _group(part: Part, tier: str, series: Iterable[Series]) -> Group:
    rules = [Recording(f"tier{tier}:{name}", expression) for name, expression in series]
    return Group(f"{part}-tier-{tier}", list(rules), tier)


def _over_an_hour(name: str) -> str:
    return "avg_over_time" if name.endswith(":avg") else "sum_over_time"


def _of_catalogue(part: Part) -> Iterator[Series]:
    """Yield the series of the metrics that a part of the project exports."""
    for metric in (metric for metric in METRICS.values() if part_of(metric) == part):
        if metric.kind == "gauge":
            yield _average(metric.name, _over_instances(metric))
        elif metric.kind == "histogram":
            yield _growth(metric, WHOLE, "_bucket")
            yield _growth(metric, MILLI, "_sum")
            yield _growth(metric, WHOLE, "_count")
        else:
            yield _growth(metric, MILLI if metric.unit else WHOLE)


def _of_other_exporters(part: Part) -> Iterator[Series]:
    """Yield those of the specification's metrics that other exporters produce: the rule of each, or its series."""
    for requirement in SPECIFICATION.values():
        if METRICS.keys().isdisjoint(requirement.series):
            for series in (requirement.rule,) if requirement.rule else requirement.series:
                if part == ("odoo" if series.startswith("telemetry:") else "influencegen"):
                    yield _average(series, "max")


def _over_instances(gauge: Metric) -> str:
    """Return the aggregation of a gauge over its instances.

    Values that every instance reads from the database are equal, so their maximum is taken. Others are summed, unless
    the metric declares the maximum.
    """
    known_to_all = gauge.scope == "database" and gauge.merge == "latest" and gauge.name not in OF_ONE_SERVER
    return "max" if known_to_all or gauge.merge == "max" else "sum"


def _average(series: str, over: str) -> Series:
    name = series.split(":")[1] if ":" in series else series
    return f"{name}:avg", f"{over} {WITHOUT} (avg_over_time({series}[5m]))"


def _growth(metric: Metric, digit: str, part: str = "") -> Series:
    """Return name and expression of what a counter, or a part of a histogram, grew by in a step."""
    series = f"{metric.name}{part}"
    growth = _growth_in_database(series) if in_database(metric) else _growth_of_instances(series, metric.group)
    return f"{series.removesuffix('_total')}:increase", f"round({growth}{digit})"


def _growth_of_instances(series: str, group: str) -> str:
    """Return the sum of what a series of each instance grew by in a step.

    The window is one scrape longer than the step, and the result is scaled back: each window begins with the scrape
    that the one before ended with, and no growth between the two is lost. What remains of the extrapolation is rounded
    away, which also makes what is stored a tenth as large.
    """
    window = STEP_SECONDS + GROUPS[group]
    return f"sum {WITHOUT} (increase({series}[{window}s])) * {STEP_SECONDS} / {window}"


def _growth_in_database(series: str) -> str:
    """Return what a series that each instance reads from the database grew by in a step.

    The greatest is the newest. What each instance grew by would count a fact twice if instances read it in different
    steps.
    """
    now, before = (f"max {WITHOUT} ({series}{offset})" for offset in ("", " offset 5m"))
    return f"clamp_min({now} - {before}, 0)"
