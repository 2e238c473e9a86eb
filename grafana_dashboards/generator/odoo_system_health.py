"""Odoo System Health: is Odoo all right, what do its users feel, and what makes it slow?"""

from . import hosts, variables
from .frame import Page
from .palette import CRITICAL, GREY, ORANGE
from .panels import NONE, bars, figure, firing, series
from .queries import SYSTEM, Query, or_none, quantile

_OF_INSTANCE = 'instance=~"$instance"'
_OF_BOTH = f'{_OF_INSTANCE}, database=~"$database"'
_REQUESTS = "odoo_http_request_duration_seconds"
_ERRORS = "telemetry:odoo_application_error_rate:rate_5m"


def _users(name, roles):
    users = f'max by (database, user_role) (odoo_concurrent_users{{{_OF_BOTH}, user_role=~"{roles}"}})'
    return Query(f"sum({users})", name, SYSTEM)


_FIRST = (
    firing(
        "Alerts that fire",
        'severity=~"warning|critical", team="platform"',
        spec="not in it; what is wrong, as on-call is told",
        says="How many alerts of the platform fire. The vertical lines in the panels below say which and since "
        "when; each has a runbook.",
    ),
    figure(
        "The platform is up",
        Query("telemetry:system_availability:percent_1h", every="60s"),
        "percent",
        spec="system.availability.percentage",
        says="Of the probes of Odoo, n8n and the AI service in the last hour, how many were answered. Below the "
        "target: look which one does not answer, in the dashboard of objectives.",
        empty="No probe was made: look at the targets of blackbox_exporter.",
        decimals=2,
        objective="platform",
        runbooks=("OdooDown",),
        more={"Objectives": "slo"},
    ),
    figure(
        "Missing workers",
        Query(f"sum(odoo_workers_configured{{{_OF_INSTANCE}}}) - sum(odoo_workers_active{{{_OF_INSTANCE}}})"),
        "none",
        spec="odoo.workers.active_count",
        says="Workers that the configuration asks for and that are not there. More than none for minutes: they "
        "end at once after they were started; Odoo's log says why.",
        empty="Odoo is not scraped: look at the telemetry dashboard.",
        alerts=("OdooWorkersMissing",),
        words=NONE,
    ),
    figure(
        "Requests that wait",
        Query(f"sum(odoo_request_queue_length{{{_OF_INSTANCE}}})"),
        "none",
        spec="odoo.request_queue.length",
        says="Connections that no worker has taken yet. They are the first sign of too much load: look which pages "
        "are slow, then for more workers.",
        empty="Odoo is not scraped, or its queue can't be read on this system.",
        alerts=("OdooRequestQueueLong",),
        words=NONE,
    ),
    figure(
        "Errors a minute",
        Query(or_none(f"60 * sum({_ERRORS})", "influencegen-system")),
        "none",
        spec="odoo.application.error_rate",
        says="Unhandled errors in Odoo's log, over the last 5 minutes. How many are too many is set in Odoo: "
        "Settings, Telemetry.",
        empty="Odoo is not scraped: look at the telemetry dashboard.",
        decimals=1,
        runbooks=("OdooApplicationErrors",),
    ),
    figure(
        "Fullest disk",
        Query('max(telemetry:system_disk_space_used:percent{host=~"$host"})', every="60s"),
        "percent",
        spec="system.disk.space.used.percentage",
        says="How full the fullest disk of all hosts is. Above the first limit: clear away, or make it larger, "
        "before PostgreSQL stops.",
        empty="No host is scraped: look at node_exporter.",
        decimals=0,
        alerts=("DiskSpaceLow", "DiskSpaceCritical"),
        runbooks=("DiskFullSoon",),
    ),
)

_USERS_FEEL = (
    series(
        "How long do people wait for a page?",
        [
            Query("telemetry:odoo_ui_page_load_time_seconds:p95_5m", "one page in twenty takes longer"),
            Query("telemetry:odoo_ui_page_load_time_seconds:p50_5m", "half of the pages take longer"),
            # of all interactions together: the rule has a quantile for each
            Query(
                "histogram_quantile(0.95, "
                "sum by (le) (telemetry:odoo_ui_interaction_latency_seconds_bucket:rate_5m)) >= 0",
                "one click in twenty takes longer",
            ),
        ],
        "s",
        width=12,
        spec="odoo.ui.page_load_time_seconds (p95, p50), odoo.ui.interaction_latency_seconds (p95)",
        says="As the browsers of users measured it, over 5 minutes. If it rises and the server's time beside it does "
        "not, look at the network and at what the page loads.",
        empty="No browser has sent a measurement: nobody worked, or the sampling in Odoo's settings is 0.",
    ),
    series(
        "How long does the server take?",
        [
            Query(
                quantile(0.95, _REQUESTS, matchers=_OF_BOTH),
                "one request in twenty takes longer",
                SYSTEM,
                exemplars=True,
            ),
            Query(quantile(0.5, _REQUESTS, matchers=_OF_BOTH), "half of the requests take longer", SYSTEM),
        ],
        "s",
        width=12,
        spec="not in it; the server's part of odoo.ui.page_load_time_seconds",
        says="Time from a request's arrival at a worker to its answer. The diamonds are single requests: each leads to "
        "its trace.",
        empty="No request was answered in this time, or Odoo is not scraped.",
        runbooks=("OdooDown",),
    ),
    bars(
        "Which addresses are the slowest?",
        [Query(f"topk(5, {quantile(0.95, _REQUESTS, 'le, route', _OF_BOTH, '$__range')})", "{{route}}", SYSTEM)],
        "s",
        spec="not in it; by route, what odoo.ui.page_load_time_seconds rests on",
        says="The five addresses of which one request in twenty took longest in the time shown. Addresses are "
        "patterns: records and names are left out.",
        empty="No request was answered in this time, or Odoo is not scraped.",
    ),
    series(
        "How many people work with it?",
        [
            _users("influencers", "influencer|portal"),
            _users("staff", "user|manager|admin"),
            _users("not logged in, and others", "public|system|unknown|other"),
            Query(
                'min(odoo_telemetry_threshold{name="concurrent_users"})',
                "what it is sized for",
                "60s",
                GREY,
                dashed=True,
            ),
        ],
        "none",
        width=12,
        spec="odoo.concurrent_users.count",
        says="Users seen within the last minutes. Near the limit: give Odoo more workers, or raise the limit "
        "in Settings, Telemetry, once that was done.",
        empty="Nobody was seen, or Odoo is not scraped.",
        runbooks=("OdooConcurrentUsersHigh",),
    ),
)

_CAUSES = (
    hosts.processors(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.cpu.utilization (Odoo hosts)",
        says="Of the hosts that Odoo runs on, over 5 minutes. If Odoo itself is the smaller part, find the neighbour "
        "that takes the rest.",
        runbooks=("HostDown",),
        more={"n8n and its hosts": "n8n-ai-integration-performance"},
    ),
    hosts.memory(
        "odoo",
        "Odoo",
        ', host=~"$host"',
        spec="system.memory.utilization (Odoo hosts)",
        says="Memory used on the hosts that Odoo runs on. Near the upper limit the kernel kills processes: lower "
        "limit_memory_soft, or give the host more.",
    ),
    series(
        "Are there enough workers?",
        [
            Query(f"sum(odoo_workers_active{{{_OF_INSTANCE}}})", "alive", SYSTEM),
            Query(f"sum(odoo_workers_busy{{{_OF_INSTANCE}}})", "busy", SYSTEM),
            Query(f"sum(odoo_workers_configured{{{_OF_INSTANCE}}})", "configured", SYSTEM, GREY, dashed=True),
            Query(f"sum(odoo_request_queue_length{{{_OF_INSTANCE}}})", "requests that wait", SYSTEM, CRITICAL),
        ],
        "none",
        spec="odoo.workers.active_count, odoo.request_queue.length",
        says="If all workers are busy, requests wait. If that is often so, raise `workers` while the host has "
        "processors and memory left.",
        empty="Odoo is not scraped: look at the telemetry dashboard.",
        runbooks=("OdooWorkersMissing", "OdooRequestQueueLong", "OdooRequestsRefused"),
    ),
    series(
        "What goes wrong in Odoo?",
        [
            Query(
                f"60 * sum by (error_type, error_class) ({_ERRORS}) > 0",
                "{{error_class}} ({{error_type}})",
                colour=CRITICAL,
            ),
            Query(
                f"60 * sum by (cron) (rate(odoo_cron_failures_total{{{_OF_BOTH}}}[$__rate_interval])) > 0",
                "job {{cron}}",
                SYSTEM,
                ORANGE,
            ),
            Query(
                'min(odoo_telemetry_threshold{name="application_errors_per_minute"})',
                "allowed",
                "60s",
                GREY,
                dashed=True,
            ),
        ],
        "none",
        spec="odoo.application.error_rate",
        says="Unhandled errors a minute in Odoo's log, by their class, and scheduled jobs that failed. The log has the "
        "rest of it: the module, and the trace.",
        empty="No error was logged since Odoo was started, or Odoo is not scraped.",
        runbooks=("OdooApplicationErrors", "OdooJobsFailing"),
    ),
    series(
        "Does the cache help?",
        [Query("telemetry:odoo_orm_cache_hit_ratio:percent_5m", "answered by the cache")],
        "percent",
        spec="odoo.orm.cache.hit_ratio",
        says="Of the look-ups in Odoo's ORM cache, how many it could answer, over 5 minutes. Low for long: "
        "something clears the cache again and again, mostly a write to settings, views or access rights.",
        empty="Nothing was looked up, or Odoo is not scraped.",
        alerts=("OdooCacheHitRatioLow",),
    ),
    series(
        "Is the network busy?",
        [
            Query('max by (host) (telemetry:system_network_utilization:percent_5m{host=~"$host"})', "{{host}}", "60s"),
        ],
        "percent",
        spec="system.network.io.bytes, of what the link carries",
        says="How much of its speed the busiest link of each host carried, over 5 minutes. Near the limit: find out "
        "who sends that much; backups and images are the largest.",
        empty="No host is scraped, or node_exporter does not see its network: look at node_exporter.",
        alerts=("NetworkBusy", "NetworkSaturated"),
    ),
)

PAGE = Page(
    uid="odoo-system-health",
    title="Odoo System Health",
    audience="Platform Administrators, Operations Team",
    answers="Is Odoo all right, what do its users feel, and what makes it slow?",
    refresh="1m",
    shows="6h",
    team="platform",
    choices=(variables.host, variables.instance, variables.database),
    rows={"Is it all right?": _FIRST, "What do users feel?": _USERS_FEEL, "What makes it slow?": _CAUSES},
)
