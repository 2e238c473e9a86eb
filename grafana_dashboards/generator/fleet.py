"""Queries about any number of databases, of the series that rules record for that; docs/scaling.md has their cost.

While all servers and databases are selected, panels use the series recorded over all of them. Otherwise latencies use
the series recorded per database, and comparisons of routes, methods or jobs the metric itself. The variables choose:
the value `.*` also matches series without that label.
"""

from prometheus.generator.recording import fleet

INSTANCE = 'instance=~"$instance"'
WAITED_FOR = fleet.WAITED_FOR
DATABASE = f'{INSTANCE}, database=~"$database"'
_SOME = 'all!~"($instance)($database)"'
"""Nothing has a label `all`, so this matches everything, or nothing while all servers and databases are selected."""


def latency(which: float, histogram: str, exemplars: bool = False) -> str:
    """Return a quantile over 5 minutes; no data while nothing is counted.

    exemplars: whether Grafana finds the histogram's exemplars. It looks up those of every selector in a query, and
        ignores its `@`. The selector added for that is evaluated in 1970 (`@ 0`): it has no result, and costs nothing.
    """
    matchers = fleet.OF_DATABASES[histogram]
    recorded = f"{_all(f'{histogram}_bucket', matchers)} or {_of(fleet.of_databases(histogram), DATABASE, _SOME)}"
    quantile = f"histogram_quantile({which}, sum by (le) ({recorded})) >= 0"
    nothing = f"histogram_quantile({which}, {_of(f'{histogram}_bucket', matchers, DATABASE)} @ 0) < 0"
    return f"{quantile} or {nothing}" if exemplars else quantile


def rate(series: str, window: str, matchers: str = "") -> str:
    """Return the rates of a series over a window, with the labels that are recorded of it."""
    recorded, counted = _all(series, matchers), _some(series, matchers)
    return f"(avg_over_time({recorded}[{window}]) or rate({counted}[{window}]))"


def increase(series: str, window: str, matchers: str = "") -> str:
    """Return how much a series grew in a window, with the labels that are recorded of it."""
    recorded, counted = _all(series, matchers), _some(series, matchers)
    return f"({fleet.INTERVAL_SECONDS} * sum_over_time({recorded}[{window}]) or increase({counted}[{window}]))"


def quantile(which: float, histogram: str, by: str, matchers: str = "") -> str:
    """Return a quantile over the time range of the page, by labels that are recorded of it, `le` among them."""
    return f"histogram_quantile({which}, sum by ({by}) {increase(f'{histogram}_bucket', '$__range', matchers)}) >= 0"


def _all(series: str, matchers: str) -> str:
    return _of(fleet.of_all(series), matchers, DATABASE)


def _some(series: str, matchers: str) -> str:
    return _of(series, matchers, DATABASE, _SOME)


def _of(series: str, *matchers: str) -> str:
    return f"{series}{{{', '.join(filter(None, matchers))}}}"
