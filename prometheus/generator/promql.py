"""Expressions that rules have in common.

Without traffic there is no data: `>= 0` drops NaN quantiles, and `> 0` avoids division by zero.
"""

import re

from odoo_telemetry.metrics.catalogue import Metric

from .scraping import GROUPS

IN_DATABASE = {"odoo_telemetry_facts_carried_over_total"}
"""Counters that are kept in the database, beside those of its rows."""

CLIENTS = 'backend_type=~"client backend|"'
"""What selects clients' sessions among those of pg_stat_activity: workers of PostgreSQL's own, such as those of
autovacuum and of parallel queries, take no connection. Without a session, or before postgres_exporter 0.17, the label
is empty."""

SECONDS = {"1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}


_AGGREGATION = re.compile(r"\b(sum|avg|min|max|count) ?\(")
_LABELS = re.compile(r"\b(by|on) \(([^)]*)\)(?! influencegen:working_hours:)")


def per_cluster(expr: str) -> str:
    """Return an expression that keeps clusters apart: it aggregates by the label `cluster` and matches on it, too.

    Series without that label give what they gave before. Working hours are the same everywhere.
    """
    return _LABELS.sub(
        lambda clause: f"{clause[1]} ({', '.join(filter(None, ('cluster', clause[2])))})",
        _AGGREGATION.sub(r"\1 by () (", expr),
    )


def interval(window: str) -> str:
    """Return how often a rule over that window is evaluated; the short ones as often as prometheus.yml says."""
    return "" if SECONDS[window] <= 300 else "5m" if SECONDS[window] >= 86400 else "1m"


def range_of(window: str, scraped: int) -> str:
    """Return the range of a rate over `window` of series that are scraped every `scraped` seconds.

    A rate needs four scrape intervals, to have two samples if one fails: if a minute has fewer, take two minutes.
    """
    return "2m" if window == "1m" and 4 * scraped > SECONDS[window] else window


def by(labels: tuple[str, ...]) -> str:
    """Return the clause of an aggregation that keeps `labels`."""
    return f" by ({', '.join(labels)}) " if labels else ""


def total(function: str, metric: Metric, window: str, labels: tuple[str, ...] = (), matchers: str = "") -> str:
    """Return `function` (rate or increase) of a counter over `window`, summed over all but `labels`.

    Each instance exports all that is in the database, so the maximum over instances is taken. All else is counted
    only by the instance that observed it, so the sum is taken.
    """
    series = f"{function}({metric.name}{matchers}[{range_of(window, GROUPS[metric.group])}])"
    return f"sum{by(labels)}({over_instances(series) if in_database(metric) else series})"


def in_database(metric: Metric) -> bool:
    """Return whether the values of a counter or a histogram are read from the database, by every instance."""
    return bool(metric.rows) or metric.name in IN_DATABASE


def over_instances(expr: str) -> str:
    """Return one value of each series that all instances on a database export: the greatest is the newest."""
    return f"max without (instance) ({expr})"


def both(first: str, second: str) -> str:
    """Return the sum of two vectors, either of which may be absent."""
    return f"{first} + ({second} or 0 * {first}) or {second}"


def percent(part: str, whole: str) -> str:
    """Return what share of `whole` is `part`, in percent: 0 if there is no part, no data if there is no whole."""
    return f"100 * ({part} or 0 * {whole}) / ({whole} > 0)"
