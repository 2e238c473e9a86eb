"""A query of a panel, and parts that queries have in common."""

import re
from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import QueryEditorMode

RECENT, LONG_TERM = "${datasource}", "${long_term_datasource}"
"""Where raw samples and recording rules are, and where the series `tier:…` are, see docs/storage.md."""

FAST, SYSTEM, BUSINESS, RULES = "10s", "30s", "60s", "15s"
"""Time between two samples: of the catalogue's groups, and of most recording rules. Others are as `BUSINESS`."""

_CLUSTER = 'cluster=~"$cluster"'
_MATCHERS = r'\{((?:[^"}]|"[^"]*")*)\}'
_SELECTOR = re.compile(
    r'"[^"]*"|\[[^]]*\]|\b(?:by|without|on|ignoring|group_left|group_right) ?\([^)]*\)'
    r"|\b(?:and|or|unless|offset|bool)\b"
    rf"|[$\d][\w.]*|(?P<name>[a-zA-Z_:][\w:]*)(?![\w:]| ?\(| by\b| without\b)(?:{_MATCHERS})?"
)
"""A selector of series, or what looks like one: a string, a range, a list of labels, an operator, a number."""


def in_cluster(expr: str) -> str:
    """Return an expression whose selectors take the chosen clusters: all, and what has no such label, by default."""

    def selector(found: re.Match[str]) -> str:
        if not found["name"]:
            return found[0]
        return f"{found['name']}{{{', '.join(filter(None, (found[2], _CLUSTER)))}}}"

    return _SELECTOR.sub(selector, expr)


@dataclass(frozen=True)
class Query:
    """A query.

    legend: name of a series, with `{{label}}` for the value of a label.
    interval: time between two samples of the queried series; `$__rate_interval` is four times as long, or longer.
    colour: of all its series, in place of the palette's next one.
    exemplars: whether points that link to a trace are shown too.
    dashed: for a limit beside the series that it limits.
    source: where its series are: `RECENT`, or `LONG_TERM` for the series `tier:…`.
    """

    expr: str
    legend: str = ""
    interval: str = RULES
    colour: str = ""
    exemplars: bool = False
    dashed: bool = False
    source: str = RECENT

    def build(self, ref: str, instant: bool) -> prometheus.Dataquery:
        """Return the query as Grafana stores it; `ref` is its letter, `instant` asks for its last value alone."""
        query = prometheus.Dataquery().expr(in_cluster(self.expr)).ref_id(ref).datasource(source(self.source))
        query.legend_format(self.legend).editor_mode(QueryEditorMode.CODE).interval(self.interval)
        if self.exemplars:
            query.exemplar(True)
        return query.instant() if instant else query.range()


def source(uid: str) -> DataSourceRef:
    """Return the reference to a data source of type Prometheus."""
    return DataSourceRef(type_val="prometheus", uid=uid)


def or_zero(expr: str, present: str) -> str:
    """Return an expression that is 0 where a counter has not begun, as long as the gauge `present` has samples."""
    return f"{expr} or 0 * max({present})"


def of_hosts(rule: str, service: str) -> str:
    """Return a rule about hosts, for the hosts on which a service runs: its own, or one that it shares."""
    return (
        f'{rule}{{service_name="{service}"}} or '
        f'{rule} and on (host) telemetry:service_cpu_utilization:avg_5m{{service_name="{service}"}}'
    )


def quantile(
    which: float,
    histogram: str,
    by: str = "le",
    matchers: str = "",
    window: str = "$__rate_interval",
    in_database: bool = False,
) -> str:
    """Return a quantile of a raw histogram; no data while it counts nothing.

    in_database: whether every instance reads it from the database, so that any of them has all of it.
    """
    rate = f"rate({histogram}_bucket{{{matchers}}}[{window}])" if matchers else f"rate({histogram}_bucket[{window}])"
    if in_database:
        rate = f"max without (instance) ({rate})"
    return f"histogram_quantile({which}, sum by ({by}) ({rate})) >= 0"
