"""The recording rules that metrics of one kind have in common: of a latency, and of a counter's rate."""

from collections.abc import Callable, Iterable

from odoo_telemetry.metrics import catalogue
from odoo_telemetry.metrics.catalogue import Metric

from ..promql import by, interval, range_of, total
from ..rules import Group, Part, Recording
from ..scraping import GROUPS

LATENCY_WINDOWS = ("1m", "5m", "15m", "1h")
COUNTER_WINDOWS = ("1m", "5m", "1h", "1d")
"""The specification's "Aggregation Periods"."""

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

DROPPED = ("route", "user_role")
"""Labels of latencies with so many values that the rules drop them: query the metric itself."""


def part_of(metric: Metric) -> Part:
    """Return whose metric it is: of any Odoo, or of the platform."""
    return "odoo" if metric in (*catalogue.RUNTIME, *catalogue.EXPORTER) else "influencegen"


def prefix(metric: Metric) -> str:
    """Return how the names of the rules about a metric begin."""
    return "telemetry" if part_of(metric) == "odoo" else "influencegen"


def windows(name: str, each: Iterable[str], rules: Callable[[str], list[Recording]]) -> list[Group]:
    """Return a group for each window, with the rules that the function `rules` gives for it."""
    return [Group(f"{name}-{window}", list(rules(window)), interval(window)) for window in each]


def latency(metric: Metric, kept: tuple[str, ...] = ()) -> list[Group]:
    """Return the rules of a histogram: merged buckets, so that a quantile over any labels and time follows from them.

    kept: the labels that average and quantiles keep.
    """
    labels = tuple(label.name for label in metric.labels if label.name not in DROPPED)
    name = f"{prefix(metric)}:{metric.name}"

    def rules(window: str) -> list[Recording]:
        def part(function: str, suffix: str, *others: str) -> str:
            series = Metric(metric.name + suffix, "counter", "", group=metric.group, rows=metric.rows)
            return total(function, series, window, (*others, *labels))

        # if the increase of a minute is taken over two minutes, it is half of theirs
        share = " / 2" if range_of(window, GROUPS[metric.group]) != window else ""
        average = f"sum{by(kept)}({name}:sum_{window}) / (sum{by(kept)}({name}:count_{window}) > 0)"
        buckets = f"sum{by(('le', *kept))}({name}_bucket:rate_{window})"
        return [
            Recording(f"{name}_bucket:rate_{window}", part("rate", "_bucket", "le")),
            Recording(f"{name}:rate_{window}", part("rate", "_count")),
            Recording(f"{name}:count_{window}", part("increase", "_count") + share),
            Recording(f"{name}:sum_{window}", part("increase", "_sum") + share),
            Recording(f"{name}:avg_{window}", average),
            *(
                Recording(f"{name}:{quantile}_{window}", f"histogram_quantile({share_of_calls}, {buckets}) >= 0")
                for quantile, share_of_calls in QUANTILES.items()
            ),
        ]

    return windows(f"{part_of(metric)}-{metric.name.replace('_', '-')}", LATENCY_WINDOWS, rules)


def rates(metric: Metric, name: str = "", kept: tuple[str, ...] = ()) -> list[Group]:
    """Return the rules of a counter's rate.

    name: of the rate; by default, that of errors.
    kept: the labels that it keeps beside the metric's own.
    """
    name = name or metric.name.replace("_errors_total", "_error_rate")
    labels = (*kept, *(label.name for label in metric.labels))
    return windows(
        f"{part_of(metric)}-{name.replace('_', '-')}",
        COUNTER_WINDOWS,
        lambda window: [Recording(f"{prefix(metric)}:{name}:rate_{window}", total("rate", metric, window, labels))],
    )
