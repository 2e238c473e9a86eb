"""A query of a panel, and parts that queries have in common."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models.common import DataSourceRef

RECENT, LONG_TERM = "${datasource}", "${long_term_datasource}"
"""Where raw samples and recording rules are, and where the series `tier:…` are, see docs/storage.md."""

FAST, SYSTEM, BUSINESS, RULES = "10s", "30s", "60s", "15s"
"""Time between two samples: of the catalogue's groups, and of most recording rules. Others are as `BUSINESS`."""


@dataclass(frozen=True)
class Query:
    """What is asked.

    legend: how a series is called, with `{{label}}` for the value of a label.
    every: seconds between two samples of what is asked; `$__rate_interval` is four times as long, or longer.
    colour: of all its series, where the palette's next one won't do.
    exemplars: whether points that lead to a trace are shown too.
    dashed: for a limit beside what it limits.
    """

    expr: str
    legend: str = ""
    every: str = RULES
    colour: str = ""
    exemplars: bool = False
    dashed: bool = False
    source: str = RECENT

    def build(self, ref: str, instant: bool) -> prometheus.Dataquery:
        """Return the query as Grafana keeps it; `ref` is its letter, `instant` says that only its last value is."""
        query = prometheus.Dataquery().expr(self.expr).ref_id(ref).datasource(source(self.source))
        query.legend_format(self.legend).editor_mode("code").interval(self.every)
        if self.exemplars:
            query.exemplar(True)
        return query.instant() if instant else query.range()


def source(uid: str) -> DataSourceRef:
    """Return the reference to a data source of Prometheus' kind."""
    return DataSourceRef(type_val="prometheus", uid=uid)


def or_none(expr: str, job: str) -> str:
    """Return an expression that is 0 where a counter has not begun, as long as its job is scraped."""
    return f'{expr} or 0 * max(up{{job="{job}"}} == 1)'


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
    """Return a quantile of a raw histogram; nothing while it counts nothing.

    in_database: whether all instances read it from the database, so that one of them has all of it.
    """
    rate = f"rate({histogram}_bucket{{{matchers}}}[{window}])" if matchers else f"rate({histogram}_bucket[{window}])"
    if in_database:
        rate = f"max without (instance) ({rate})"
    return f"histogram_quantile({which}, sum by ({by}) ({rate})) >= 0"
