"""Recording rules for many databases: aggregates of metrics with too many series to query over a week.

A histogram by route has hundreds of series per database. Two aggregates are recorded: one for each database and server,
without the metric's own labels, from which dashboards select databases; and one over all databases and servers, by
some of those labels, to compare routes. The dashboards ask for both by the names that the functions here return.
"""

from odoo_telemetry.metrics.catalogue import METRICS, Metric

from ..promql import total
from ..rules import Group, Recording

WINDOW, INTERVAL, INTERVAL_SECONDS = "5m", "1m", 60
"""The window of the recorded rates, and the interval at which they are recorded."""

WAITED_FOR = 'route!="/queue_job/runjob"'
"""Requests that somebody waits for: the runner of queue_job runs jobs by requests, and waits for none."""

OF_DATABASES = {
    "odoo_http_request_duration_seconds": WAITED_FOR,
    "odoo_rpc_duration_seconds": "",
    "odoo_ui_page_load_time_seconds": "",
    "odoo_ui_interaction_latency_seconds": "",
}
"""The histograms that are recorded for each database, each with the matchers of what is recorded of it."""

OF_ALL: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "odoo_http_request_duration_seconds": (("_bucket",), ("route",)),
    "odoo_rpc_duration_seconds": (("_bucket", "_sum"), ("model", "method")),
    "odoo_rpc_calls_total": (("",), ("model", "outcome")),
    "odoo_cron_duration_seconds": (("_sum", "_count"), ("cron",)),
    "odoo_cron_runs_total": (("",), ()),
    "odoo_queue_job_duration_seconds": (("_sum", "_count"), ("job_function",)),
    "odoo_queue_job_runs_total": (("",), ("job_function", "outcome")),
}
"""The metrics that are recorded over all databases: their parts, and the labels that these keep."""


def of_databases(histogram: str) -> str:
    """Return the name of the rates of a histogram's buckets, one for each database and server."""
    return f"telemetry:{histogram}_bucket_of_database:rate_{WINDOW}"


def of_all(series: str) -> str:
    """Return the name of the rates of a series over all databases and servers.

    Those of latencies in browsers are recorded anyway, as the specification names them.
    """
    name = f"telemetry:{series.removesuffix('_total')}"
    return f"{name}:rate_{WINDOW}" if series.startswith("odoo_ui_") else f"{name}_of_all:rate_{WINDOW}"


def groups() -> list[Group]:
    """Return the groups of rules, one for each metric."""
    rules = {name: [_of_databases(METRICS[name], chosen)] for name, chosen in OF_DATABASES.items()}
    for name, (parts, labels) in OF_ALL.items():
        rules.setdefault(name, []).extend(_of_all(METRICS[name], part, labels) for part in parts)
    return [
        Group(f"odoo-fleet-{name.removeprefix('odoo_').replace('_', '-')}", recorded, INTERVAL)
        for name, recorded in rules.items()
    ]


def _of_databases(metric: Metric, matchers: str) -> Recording:
    series = f"{metric.name}_bucket{{{matchers}}}" if matchers else f"{metric.name}_bucket"
    labels = ", ".join(metric.label_names)
    return Recording(of_databases(metric.name), f"sum without ({labels}) (rate({series}[{WINDOW}]))")


def _of_all(metric: Metric, part: str, labels: tuple[str, ...]) -> Recording:
    series = Metric(metric.name + part, "counter", "", group=metric.group)
    kept = ("le", *labels) if part == "_bucket" else labels
    return Recording(of_all(series.name), total("rate", series, WINDOW, kept))
