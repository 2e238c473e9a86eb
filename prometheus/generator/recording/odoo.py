"""The recording rules of any Odoo, its hosts and its PostgreSQL, over the periods that the specification names."""

from odoo_telemetry.metrics.catalogue import METRICS

from ..promql import CLIENTS, both, by, over_instances, percent, range_of, total
from ..rules import Group, Recording
from ..scraping import JOBS
from ..thresholds import number
from . import fleet
from .series import COUNTER_WINDOWS, latency, rates, windows

CPU_WINDOWS = ("1m", "5m", "15m")
"""The specification's "Statistical Aggregations"."""

_HOST = ("host", "service_name")
_FILESYSTEMS = '{fstype!~"tmpfs|ramfs|devtmpfs|squashfs|iso9660|erofs"}'
_LINKS = '{device!~"lo|veth.*|docker.*|br-.*"}'


def files(link_speed: float) -> dict[str, list[Group]]:
    """Return the groups of recording rules by name of their file.

    link_speed: bytes per second of a network link that does not report its speed.
    """
    return {
        "odoo_recording_odoo": [
            *latency(METRICS["odoo_ui_page_load_time_seconds"]),
            *latency(METRICS["odoo_ui_interaction_latency_seconds"], ("interaction_name",)),
            *rates(METRICS["odoo_application_errors_total"], kept=("instance",)),
            Group("odoo-cache", _cache()),
        ],
        "odoo_recording_fleet": fleet.groups(),
        "odoo_recording_hosts": [*_host_rates(), Group("odoo-hosts", _hosts(link_speed), "1m")],
        "odoo_recording_postgresql": [
            Group("odoo-postgresql", _postgresql(), "1m"),
            *windows("odoo-postgresql-slow-queries", COUNTER_WINDOWS, _slow_queries),
        ],
        "odoo_recording_availability": [Group("odoo-availability", _availability(), "1m")],
        "odoo_recording_telemetry": [Group("odoo-telemetry", _telemetry(), "1m")],
    }


def _cache() -> list[Recording]:
    """Return the rules of the ORM cache: each server has its own."""
    hits, misses = (
        total("increase", METRICS[f"odoo_orm_cache_{what}_total"], "5m", ("instance",)) for what in ("hits", "misses")
    )
    lookups = "telemetry:odoo_orm_cache_lookups:increase_5m"
    return [
        Recording(lookups, both(hits, misses)),
        Recording("telemetry:odoo_orm_cache_hit_ratio:percent_5m", percent(hits, lookups)),
    ]


def _hosts(link_speed: float) -> list[Recording]:
    """Return the rules about the utilization of hosts."""
    where = (*_HOST, "device")
    speed = (
        f"(max{by(where)}(node_network_speed_bytes > 0) "
        f"or max{by(where)}(node_network_receive_bytes_total{_LINKS}) * 0 + {number(link_speed)})"
    )
    rules = [
        Recording(
            "telemetry:system_memory_utilization:percent",
            f"max{by(_HOST)}(100 * (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))",
        ),
        Recording(
            "telemetry:system_disk_space_used:percent",
            f"max{by((*_HOST, 'mount_point'))}(label_replace(100 * (1 - "
            f"node_filesystem_avail_bytes{_FILESYSTEMS} "
            f'/ (node_filesystem_size_bytes > 0)), "mount_point", "$1", "mountpoint", "(.+)"))',
        ),
        Recording(
            "telemetry:system_disk_io_time:percent_5m",
            f"100 * max{by(where)}(rate(node_disk_io_time_seconds_total[5m]))",
        ),
        Recording(
            "telemetry:system_network_utilization:percent_5m",
            f"100 * max without (direction) (telemetry:system_network_io_bytes:rate_5m) / {speed}",
        ),
        Recording(
            "telemetry:service_memory_utilization:percent",
            f'100 * sum{by(_HOST)}(namedprocess_namegroup_memory_bytes{{memtype="resident"}}) '
            "/ on (host) group_left () max by (host) (node_memory_MemTotal_bytes)",
        ),
    ]
    for window in CPU_WINDOWS:
        reach = range_of(window, JOBS["node"])
        averages = {
            # idle, or waiting for a disk
            "system": f'100 * (1 - sum{by(_HOST)}(rate(node_cpu_seconds_total{{mode=~"idle|iowait"}}[{reach}])) '
            f"/ sum{by(_HOST)}(rate(node_cpu_seconds_total[{reach}])))",
            "service": f"100 * sum{by(_HOST)}(rate(namedprocess_namegroup_cpu_seconds_total[{reach}])) "
            '/ on (host) group_left () count by (host) (node_cpu_seconds_total{mode="idle"})',
        }
        for level, average in averages.items():
            name = f"telemetry:{level}_cpu_utilization"
            rules += [
                Recording(f"{name}:avg_{window}", average),
                Recording(f"{name}:max_{window}", f"max_over_time({name}:avg_1m[{window}])"),
            ]
    return rules


def _host_rates() -> list[Group]:
    def rules(window: str) -> list[Recording]:
        reach = range_of(window, JOBS["node"])
        operations = " + ".join(
            f"sum{by((*_HOST, 'device'))}(rate(node_disk_{way}_completed_total[{reach}]))"
            for way in ("reads", "writes")
        )
        traffic = " or ".join(
            f"label_replace(sum{by((*_HOST, 'device'))}(rate(node_network_{way}_bytes_total{_LINKS}[{reach}])), "
            f'"direction", "{direction}", "", "")'
            for way, direction in (("receive", "in"), ("transmit", "out"))
        )
        return [
            Recording(f"telemetry:system_disk_io_ops:rate_{window}", operations),
            Recording(f"telemetry:system_network_io_bytes:rate_{window}", traffic),
        ]

    return windows("odoo-host-rates", COUNTER_WINDOWS, rules)


def _postgresql() -> list[Recording]:
    connections = "telemetry:postgresql_connections_active_count:sum"
    return [
        Recording(connections, f"sum by (db_instance) (pg_stat_activity_count{{{CLIENTS}}})"),
        Recording(
            "telemetry:postgresql_connections_utilization:percent",
            f"100 * {connections} / on (db_instance) max by (db_instance) (pg_settings_max_connections)",
        ),
    ]


def _slow_queries(window: str) -> list[Recording]:
    rate = f"rate(postgresql_slow_queries_total[{range_of(window, JOBS['slow-queries'])}])"
    return [
        Recording(
            f"telemetry:postgresql_query_slow_query_rate:rate_{window}", f"sum by (db_instance, database) ({rate})"
        )
    ]


def _availability() -> list[Recording]:
    """The specification's formula: the share of the probes of critical services that found no outage.

    Minutes do not overlap, and each has the same number of probes, so a longer period is the average of its minutes.
    """
    minute = "telemetry:system_availability:percent_1m"
    critical = 'probe_success{critical="true"}[1m]'
    return [
        Recording(minute, f"100 * sum(sum_over_time({critical})) / sum(count_over_time({critical}))"),
        *(
            Recording(f"telemetry:system_availability:percent_{window}", f"avg_over_time({minute}[{window}])")
            for window in ("1h", "1d", "30d")
        ),
    ]


def _telemetry() -> list[Recording]:
    """How many facts were carried over in the last hour.

    A fact's series begins with its first carry-over, which increase() leaves out. The backlog is exported beside it: if
    it alone has a sample before the window, there was no carry-over until then. The lookback of one day covers a
    database that was unavailable for that long during its restore.
    """
    carried_over = "odoo_telemetry_facts_carried_over_total"
    backlog = "odoo_telemetry_ledger_backlog"
    before = "last_over_time({}[1d] offset 1h)"
    return [
        Recording(
            "telemetry:facts_carried_over:increase_1h",
            f"sum by (database) ({over_instances(carried_over)}) - "
            f"(sum by (database) ({over_instances(before.format(carried_over))}) or "
            f"0 * max by (database) ({before.format(backlog)}))",
        )
    ]
