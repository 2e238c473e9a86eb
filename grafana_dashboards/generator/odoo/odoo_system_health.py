"""Odoo System Health: health of Odoo, user experience, errors and saturation."""

from .. import fleet, hosts, limits, variables
from ..fleet import DATABASE as _DATABASE
from ..fleet import INSTANCE as _INSTANCE
from ..frame import Page
from ..palette import CRITICAL, GREY
from ..panels import NONE, bar_gauge, firing, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query, or_zero
from . import SERVICES

_MODULES = f"max by (database, module, version) (odoo_module_info{{{_DATABASE}}})"
_REQUESTS = "odoo_http_request_duration_seconds"
_NOT_SCRAPED = "No data from Odoo: see Telemetry Self-Health, Targets down."
_PER_SERVER = "Per server, not per database."


def _threshold(name: str) -> str:
    """Return the thresholds that administrators set, one for each chosen database."""
    return f'max by (database) (odoo_telemetry_threshold{{name="{name}", {_DATABASE}}})'


_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="platform"',
        description="Firing alerts of team platform, of all servers and databases. Vertical lines in the panels below "
        "show when each started firing.",
    ),
    stat(
        "Availability (1 h)",
        Query('100 * avg(avg_over_time(probe_success{service_name="odoo"}[1h]))'),
        "percent",
        spec="system.availability.percentage",
        description="Share of the probes of Odoo's health check in the last hour that succeeded, of all servers.",
        no_value="No probes: check the blackbox_exporter targets.",
        decimals=2,
        colours=limits.complete(),
        runbooks=("OdooDown",),
    ),
    stat(
        "Missing workers",
        Query(f"sum(odoo_workers_configured{{{_INSTANCE}}}) - sum(odoo_workers_active{{{_INSTANCE}}})"),
        "none",
        spec="odoo.workers.active_count",
        description="Configured workers that do not run. Above 0 for minutes: they exit right after their start; "
        f"Odoo's log has the reason. {_PER_SERVER}",
        no_value=_NOT_SCRAPED,
        alerts=("OdooWorkersMissing",),
        mappings=NONE,
    ),
    stat(
        "Queued requests",
        Query(f"max(odoo_request_queue_length{{{_INSTANCE}}})"),
        "none",
        spec="odoo.request_queue.length",
        description="Connections that no worker has accepted yet, of the listener with the most: the first sign of "
        f"saturation. Find the slowest routes below, then consider more workers. {_PER_SERVER}",
        no_value="No data from Odoo, or its queue can't be read on this system.",
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
        description="Unhandled errors in Odoo, on average over the last 5 minutes. The threshold of the alert is "
        f"set in Odoo: Settings, Telemetry. {_PER_SERVER}",
        no_value=_NOT_SCRAPED,
        decimals=1,
        runbooks=("OdooApplicationErrors",),
    ),
    stat(
        "Disk space used",
        Query('max(telemetry:system_disk_space_used:percent{host=~"$host"})', interval="60s"),
        "percent",
        spec="system.disk.space.used.percentage",
        description="Space used on the fullest disk of the selected hosts. Above the first threshold: free space or "
        "enlarge the disk before PostgreSQL stops.",
        no_value="No data from any host: check node_exporter.",
        decimals=0,
        alerts=("DiskSpaceLow", "DiskSpaceCritical"),
        runbooks=("DiskFullSoon",),
    ),
)

_USER_EXPERIENCE = (
    time_series(
        "Page load and interaction latency",
        [
            Query(fleet.latency(0.95, "odoo_ui_page_load_time_seconds"), "page load p95", BUSINESS),
            Query(fleet.latency(0.5, "odoo_ui_page_load_time_seconds"), "page load p50", BUSINESS),
            Query(fleet.latency(0.95, "odoo_ui_interaction_latency_seconds"), "interaction p95", BUSINESS),
        ],
        "s",
        width=12,
        spec="odoo.ui.page_load_time_seconds (p95, p50), odoo.ui.interaction_latency_seconds (p95)",
        description="Measured by users' browsers, over 5 minutes. If it rises and the request latency beside it does "
        "not, check the network and the size of the pages.",
        no_value="No browser measurements: no users, or the sampling rate in Odoo's settings is 0.",
    ),
    time_series(
        "Request latency",
        [
            Query(fleet.latency(0.95, _REQUESTS, exemplars=True), "p95", BUSINESS, exemplars=True),
            Query(fleet.latency(0.5, _REQUESTS), "p50", BUSINESS),
        ],
        "s",
        width=12,
        description="Time from a request's arrival at a worker to its response, over 5 minutes, without queue jobs. "
        "Each diamond is a single request and links to its trace.",
        no_value="No requests in the selected time range, or no data from Odoo.",
        runbooks=("OdooDown",),
    ),
    bar_gauge(
        "Slowest routes (p95)",
        [Query(f"topk(5, {fleet.quantile(0.95, _REQUESTS, 'le, route', fleet.WAITED_FOR)})", "{{route}}", BUSINESS)],
        "s",
        description="The five routes with the highest p95 in the dashboard time range, without queue jobs. Routes are "
        "URL patterns: they contain no record IDs or names.",
        no_value="No requests in the selected time range, or no data from Odoo.",
        links={"Models and methods": "odoo-models"},
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
            Query(f"sum(odoo_websockets_open{{{_INSTANCE}}})", "open websockets", SYSTEM),
        ],
        "none",
        width=12,
        spec="odoo.concurrent_users.count",
        description="Users seen in the last minutes, by role, and the sum of the limits of the selected databases. "
        "Near the limit: add workers, then raise the limit in Settings, Telemetry. Open websockets are per server, "
        "not per database: if they drop while users do not, check the gevent worker and the proxy's /websocket route.",
        no_value="No users seen in the last minutes, or no data from Odoo.",
        runbooks=("OdooConcurrentUsersHigh",),
    ),
)

_CAUSES = (
    hosts.cpu(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.cpu.utilization (Odoo hosts)",
        description="CPU of the hosts that run Odoo (5 m), and Odoo's share. If Odoo's share is small, find the "
        "process that uses the rest.",
        no_value="No data from the hosts of Odoo: check node_exporter and process-exporter.",
        runbooks=("HostDown",),
    ),
    hosts.memory(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.memory.utilization (Odoo hosts)",
        description="Memory of the hosts that run Odoo, and Odoo's share. Near the upper threshold the kernel kills "
        "processes: lower limit_memory_soft, or add memory to the host.",
        no_value="No data from the hosts of Odoo: check node_exporter and process-exporter.",
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
        f"the host has CPU and memory left. {_PER_SERVER}",
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
            ),
            Query(
                f"60 * sum by (cron) (rate(odoo_cron_failures_total{{{_DATABASE}}}[$__rate_interval])) > 0",
                "scheduled action {{cron}}",
                SYSTEM,
            ),
            Query(
                f"60 * sum by (kind) (rate(odoo_browser_errors_total{{{_DATABASE}}}[$__rate_interval])) > 0",
                "browser: {{kind}}",
                SYSTEM,
            ),
            Query(f"min({_threshold('application_errors_per_minute')})", "limit", "60s", GREY, dashed=True),
        ],
        "none",
        spec="odoo.application.error_rate",
        description="Unhandled errors in Odoo, per server and not per database; and, of the selected databases, failed "
        "scheduled actions, JavaScript errors and blank pages. The limit applies to unhandled errors. The label "
        "module_name of the metric names the module; Odoo's log has the traceback, if Odoo logged the error.",
        no_value="No errors since Odoo started, or no data from Odoo.",
        runbooks=("OdooApplicationErrors", "OdooJobsFailing", "OdooBrowserErrorsHigh", "OdooPagesBlank"),
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
        maximum=100,
        spec="odoo.orm.cache.hit_ratio",
        description="Share of the lookups that each server's ORM cache answered, over 5 minutes. If low for long, "
        "something clears the cache repeatedly, mostly writes to settings, views or access rights. "
        f"{_PER_SERVER}",
        no_value="No cache lookups in the selected time range, or no data from Odoo.",
        alerts=("OdooCacheHitRatioLow",),
    ),
    time_series(
        "Network utilization",
        [Query('max by (host) (telemetry:system_network_utilization:percent_5m{host=~"$host"})', "{{host}}", "60s")],
        "percent",
        maximum=100,
        spec="system.network.io.bytes, as a share of the link's speed",
        description="Busiest network link of each selected host, over 5 minutes. Near 100%, find the sender: most "
        "often a backup or attachments.",
        no_value="No data from any host, or node_exporter does not see its network: check node_exporter.",
        alerts=("NetworkBusy", "NetworkSaturated"),
    ),
    bar_gauge(
        "Versions in use",
        [
            Query(
                f"count by (version, python_version) (odoo_info{{{_INSTANCE}}})",
                "Odoo {{version}}, Python {{python_version}}",
                SYSTEM,
            ),
            Query(
                f"topk(10, count by (module, version) ({_MODULES}) "
                f"and on (module) (count by (module) (count by (module, version) ({_MODULES})) > 1))",
                "{{module}} {{version}}",
                BUSINESS,
            ),
        ],
        "none",
        width=24,
        description="Number of servers by version of Odoo and Python, and of databases by version of each module that "
        "differs between databases. If a difference lasts, a server was not restarted, or a database not upgraded.",
        no_value=_NOT_SCRAPED,
        decimals=0,
    ),
)

PAGE = Page(
    uid="odoo-system-health",
    title="Odoo System Health",
    audience="Platform Administrators, Operations Team",
    summary="Health of Odoo, user experience, errors and saturation.",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.host, variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "User experience": _USER_EXPERIENCE, "Saturation and errors": _CAUSES},
)
