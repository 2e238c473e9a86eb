"""Panels about the hosts that a service runs on: what is used in all, and what share of that the service takes."""

from grafana_foundation_sdk.builders import timeseries

from .panels import series
from .queries import RULES, Query, of_hosts


def processors(service: str, name: str, matchers: str = "", **told) -> timeseries.Panel:
    """Return how busy the processors are.

    service: value of the label `service_name`; `name` is what people call it.
    matchers: of the service's own series, after the one of `service_name`. The rest is as of :func:`.panels.series`.
    """
    return _used(
        "Are the processors busy?",
        "system_cpu_utilization:avg_5m",
        "service_cpu_utilization:avg_5m",
        service,
        name,
        matchers,
        alerts=("HostCpuHigh", "HostCpuCritical"),
        **told,
    )


def memory(service: str, name: str, matchers: str = "", **told) -> timeseries.Panel:
    """Return how much memory is used; parameters as of :func:`processors`."""
    return _used(
        "Is there memory left?",
        "system_memory_utilization:percent",
        "service_memory_utilization:percent",
        service,
        name,
        matchers,
        every="60s",
        alerts=("HostMemoryHigh", "HostMemoryCritical"),
        **told,
    )


def _used(title, of_host, of_service, service, name, matchers, every=RULES, **told):
    own = f'telemetry:{of_service}{{service_name="{service}"{matchers}}}'
    return series(
        title,
        [
            Query(of_hosts(f"telemetry:{of_host}", service), "{{host}}", every),
            Query(own, f"of that, {name} on {{{{host}}}}", every),
        ],
        "percent",
        empty=f"No host of {name} is scraped: look at node_exporter and process-exporter.",
        **told,
    )
