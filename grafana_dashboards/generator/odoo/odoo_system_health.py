"""Odoo System Health: is Odoo healthy, what do its users experience, and what slows it down?"""

from .. import hosts, variables
from ..frame import Page
from ..palette import CRITICAL, GREY, ORANGE
from ..panels import NONE, bar_gauge, firing, stat, time_series
from ..queries import SYSTEM, Query, or_zero, quantile
from . import SERVICES

_INSTANCE = 'instance=~"$instance"'
_DATABASE = f'{_INSTANCE}, database=~"$database"'
_REQUESTS = "odoo_http_request_duration_seconds"
_NOT_SCRAPED = "Odoo is not scraped: see the dashboard Telemetry Self-Health."


def _threshold(name: str) -> str:
    """Return the thresholds that administrators set, one for each chosen database."""
    return f'max by (database) (odoo_telemetry_threshold{{name="{name}", {_DATABASE}}})'


def _browser(which: float, metric: str) -> str:
    """Return a quantile over 5 minutes, as the rules have it: browsers send few measurements."""
    return quantile(which, metric, matchers=_DATABASE, window="5m")


_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="platform"',
        spec="not in it; the notifications of on-call",
        description="Firing alerts of the platform. The vertical lines in the panels below mark which and since when; "
        "each has a runbook.",
    ),
    stat(
        "Availability (1 h)",
        Query('100 * avg(avg_over_time(probe_success{service_name="odoo"}[1h]))'),
        "percent",
        spec="system.availability.percentage, of Odoo",
        description="Share of the probes of Odoo's health check in the last hour that succeeded.",
        no_value="No probe was made: look at the targets of blackbox_exporter.",
        decimals=2,
        objective="platform",
        runbooks=("OdooDown",),
    ),
    stat(
        "Missing workers",
        Query(f"sum(odoo_workers_configured{{{_INSTANCE}}}) - sum(odoo_workers_active{{{_INSTANCE}}})"),
        "none",
        spec="odoo.workers.active_count",
        description="Configured workers that do not run. Above 0 for minutes: they exit right after their start; "
        "Odoo's log has the reason.",
        no_value=_NOT_SCRAPED,
        alerts=("OdooWorkersMissing",),
        mappings=NONE,
    ),
    stat(
        "Queued requests",
        Query(f"sum(odoo_request_queue_length{{{_INSTANCE}}})"),
        "none",
        spec="odoo.request_queue.length",
        description="Connections that no worker has accepted yet: the first sign of saturation. Find the slowest "
        "routes below, then consider more workers.",
        no_value="Odoo is not scraped, or its queue can't be read on this system.",
        alerts=("OdooRequestQueueLong",),
        mappings=NONE,
    ),
    stat(
        "Errors per minute",
        Query(
            or_zero(
                f"sum(increase(odoo_application_errors_total{{{_INSTANCE}}}[5m])) / 5",
                f"odoo_workers_configured{{{_INSTANCE}}}",
            ),
            interval=SYSTEM,
        ),
        "none",
        spec="odoo.application.error_rate",
        description="Unhandled errors in Odoo's log, over the last 5 minutes. The threshold of the alert is set in "
        "Odoo: Settings, Telemetry.",
        no_value=_NOT_SCRAPED,
        decimals=1,
        runbooks=("OdooApplicationErrors",),
    ),
    stat(
        "Fullest disk",
        Query('max(telemetry:system_disk_space_used:percent{host=~"$host"})', interval="60s"),
        "percent",
        spec="system.disk.space.used.percentage",
        description="Used space of the fullest disk of all hosts. Above the first threshold: free space or enlarge "
        "the disk before PostgreSQL stops.",
        no_value="No host is scraped: look at node_exporter.",
        decimals=0,
        alerts=("DiskSpaceLow", "DiskSpaceCritical"),
        runbooks=("DiskFullSoon",),
    ),
)

_USER_EXPERIENCE = (
    time_series(
        "Page load and interaction latency",
        [
            Query(_browser(0.95, "odoo_ui_page_load_time_seconds"), "page load p95", SYSTEM),
            Query(_browser(0.5, "odoo_ui_page_load_time_seconds"), "page load p50", SYSTEM),
            Query(_browser(0.95, "odoo_ui_interaction_latency_seconds"), "interaction p95", SYSTEM),
        ],
        "s",
        width=12,
        spec="odoo.ui.page_load_time_seconds (p95, p50), odoo.ui.interaction_latency_seconds (p95)",
        description="Measured by users' browsers, over 5 minutes. If it rises and the request latency beside it does "
        "not, look at the network and at the size of pages.",
        no_value="No browser has sent a measurement: nobody worked, or the sampling in Odoo's settings is 0.",
    ),
    time_series(
        "Request latency",
        [
            Query(quantile(0.95, _REQUESTS, matchers=_DATABASE), "p95", SYSTEM, exemplars=True),
            Query(quantile(0.5, _REQUESTS, matchers=_DATABASE), "p50", SYSTEM),
        ],
        "s",
        width=12,
        spec="not in it; the server's part of odoo.ui.page_load_time_seconds",
        description="Time from a request's arrival at a worker to its response. Each diamond is a single request and "
        "links to its trace.",
        no_value="No request was answered in this time, or Odoo is not scraped.",
        runbooks=("OdooDown",),
    ),
    bar_gauge(
        "Slowest routes (p95)",
        [Query(f"topk(5, {quantile(0.95, _REQUESTS, 'le, route', _DATABASE, '$__range')})", "{{route}}", SYSTEM)],
        "s",
        spec="not in it; by route, the server's part of odoo.ui.page_load_time_seconds",
        description="The five routes with the highest p95 in the time range of the page. Routes are patterns, without "
        "records and names.",
        no_value="No request was answered in this time, or Odoo is not scraped.",
    ),
    time_series(
        "Concurrent users",
        [
            Query(
                f"sum by (user_role) (max by (database, user_role) (odoo_concurrent_users{{{_DATABASE}}})) > 0",
                "{{user_role}}",
                SYSTEM,
            ),
            Query(f"sum({_threshold('concurrent_users')})", "limit", "60s", GREY, dashed=True),
        ],
        "none",
        width=12,
        spec="odoo.concurrent_users.count",
        description="Users seen within the last minutes, by role, and the sum of the chosen databases' limits. Near "
        "the limit: add workers, then raise the limit in Settings, Telemetry.",
        no_value="Nobody was seen, or Odoo is not scraped.",
        runbooks=("OdooConcurrentUsersHigh",),
    ),
)

_CAUSES = (
    hosts.cpu(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.cpu.utilization (Odoo hosts)",
        description="Of the hosts that Odoo runs on, over 5 minutes, and Odoo's share of it. If Odoo's share is the "
        "smaller one, find the process that takes the rest.",
        no_value="No host of Odoo is scraped: look at node_exporter and process-exporter.",
        runbooks=("HostDown",),
    ),
    hosts.memory(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.memory.utilization (Odoo hosts)",
        description="Memory used on the hosts that Odoo runs on. Near the upper threshold the kernel kills processes: "
        "lower limit_memory_soft, or add memory to the host.",
        no_value="No host of Odoo is scraped: look at node_exporter and process-exporter.",
    ),
    time_series(
        "Workers",
        [
            Query(f"sum(odoo_workers_active{{{_INSTANCE}}})", "active", SYSTEM),
            Query(f"sum(odoo_workers_busy{{{_INSTANCE}}})", "busy", SYSTEM),
            Query(f"sum(odoo_workers_configured{{{_INSTANCE}}})", "configured", SYSTEM, GREY, dashed=True),
            Query(f"sum(odoo_request_queue_length{{{_INSTANCE}}})", "queued requests", SYSTEM, CRITICAL),
        ],
        "none",
        spec="odoo.workers.active_count, odoo.request_queue.length",
        description="Requests are queued while all workers are busy. If that is frequent, raise `workers` as long as "
        "the host has CPU and memory left.",
        no_value=_NOT_SCRAPED,
        runbooks=("OdooWorkersMissing", "OdooRequestQueueLong", "OdooRequestsRefused"),
    ),
    time_series(
        "Errors per minute by class",
        [
            Query(
                "60 * sum by (error_type, error_class) "
                f"(rate(odoo_application_errors_total{{{_INSTANCE}}}[$__rate_interval])) > 0",
                "{{error_class}} ({{error_type}})",
                SYSTEM,
                CRITICAL,
            ),
            Query(
                f"60 * sum by (cron) (rate(odoo_cron_failures_total{{{_DATABASE}}}[$__rate_interval])) > 0",
                "job {{cron}}",
                SYSTEM,
                ORANGE,
            ),
            Query(f"min({_threshold('application_errors_per_minute')})", "limit", "60s", GREY, dashed=True),
        ],
        "none",
        spec="odoo.application.error_rate",
        description="Unhandled errors in Odoo's log, and failed scheduled jobs. The log has the module and the "
        "traceback.",
        no_value="No error was logged since Odoo was started, or Odoo is not scraped.",
        runbooks=("OdooApplicationErrors", "OdooJobsFailing"),
    ),
    time_series(
        "ORM cache hit ratio",
        [
            Query(
                f"100 * sum by (instance) (increase(odoo_orm_cache_hits_total{{{_INSTANCE}}}[5m])) / "
                f"(sum by (instance) (increase(odoo_orm_cache_hits_total{{{_INSTANCE}}}[5m])) + "
                f"sum by (instance) (increase(odoo_orm_cache_misses_total{{{_INSTANCE}}}[5m])) > 0)",
                "{{instance}}",
                SYSTEM,
            )
        ],
        "percent",
        spec="odoo.orm.cache.hit_ratio",
        description="Share of the look-ups that each server's ORM cache answered, over 5 minutes. Low for long: "
        "something clears the cache repeatedly, mostly writes to settings, views or access rights.",
        no_value="Nothing was looked up, or Odoo is not scraped.",
        alerts=("OdooCacheHitRatioLow",),
    ),
    time_series(
        "Network utilization",
        [Query('max by (host) (telemetry:system_network_utilization:percent_5m{host=~"$host"})', "{{host}}", "60s")],
        "percent",
        spec="system.network.io.bytes, as a share of the link's speed",
        description="Of the busiest link of each host, over 5 minutes. Near the limit: find the sender; backups and "
        "attachments are the largest.",
        no_value="No host is scraped, or node_exporter does not see its network: look at node_exporter.",
        alerts=("NetworkBusy", "NetworkSaturated"),
    ),
)

PAGE = Page(
    uid="odoo-system-health",
    title="Odoo System Health",
    audience="Platform Administrators, Operations Team",
    summary="Is Odoo healthy, what do its users experience, and what slows it down?",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.host, variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "User experience": _USER_EXPERIENCE, "Saturation and errors": _CAUSES},
)
