"""Panels about the hosts that a service runs on: their utilization, and the share of it that the service takes."""

from typing import Unpack

from grafana_foundation_sdk.builders import timeseries

from .panels import Context, time_series
from .queries import RULES, Query, of_hosts


def cpu(service: str, name: str, matchers: str = "", **context: Unpack[Context]) -> timeseries.Panel:
    """Return the CPU utilization.

    service: value of the label `service_name`; `name` is its name for people.
    matchers: further ones of the service's own series, each preceded by a comma.
    """
    context["alerts"] = ("HostCpuHigh", "HostCpuCritical")
    metrics = ("system_cpu_utilization:avg_5m", "service_cpu_utilization:avg_5m")
    queries = _queries(metrics, service, name, matchers, RULES)
    return time_series("CPU utilization", queries, "percent", maximum=100, **context)


def memory(service: str, name: str, matchers: str = "", **context: Unpack[Context]) -> timeseries.Panel:
    """Return the memory utilization; parameters as of :func:`cpu`."""
    context["alerts"] = ("HostMemoryHigh", "HostMemoryCritical")
    metrics = ("system_memory_utilization:percent", "service_memory_utilization:percent")
    queries = _queries(metrics, service, name, matchers, "60s")
    return time_series("Memory utilization", queries, "percent", maximum=100, **context)


def _queries(metrics: tuple[str, str], service: str, name: str, matchers: str, interval: str) -> list[Query]:
    of_host, of_service = metrics
    own = f'telemetry:{of_service}{{service_name="{service}"{matchers}}}'
    return [
        Query(of_hosts(f"telemetry:{of_host}", service), "{{host}}", interval),
        Query(own, f"{name} on {{{{host}}}}", interval),
    ]
