"""Alerts about Odoo: its workers, requests, errors, users and jobs."""

from ..rules import Alert
from .parts import DATABASE, INSTANCE, ONE, WHOLE, limit, threshold, unhealthy

ALERTS = (
    Alert(
        name="OdooDown",
        severity="critical",
        team="platform",
        subject="odoo",
        tile="errors",
        expr='probe_success{service_name="odoo"} == 0',
        summary="Odoo is down",
        description=unhealthy("Odoo", "nobody can log in"),
        dashboard="odoo-system-health",
    ),
    Alert(
        name="OdooWorkersMissing",
        severity="critical",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="sum by (instance, kind) (odoo_workers_configured) - (sum by (instance, kind) (odoo_workers_active) "
        "or 0 * sum by (instance, kind) (odoo_workers_configured)) > 0",
        summary="Odoo workers missing",
        description=f"{WHOLE} {{{{ $labels.kind }}}} workers of {INSTANCE} are missing.",
        dashboard="odoo-system-health",
    ),
    Alert(
        name="OdooRequestQueueLong",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="max by (instance, listener) (odoo_request_queue_length) > <above>",
        summary="More than <above> requests queued for Odoo workers",
        description=f"{WHOLE} requests are queued for the {{{{ $labels.listener }}}} workers of {INSTANCE}; "
        "the threshold is <above>.",
        dashboard="odoo-system-health",
        keep_firing_for="3m",
    ),
    # not critical: anybody can flood Odoo with connections, and OdooDown pages if users are affected
    Alert(
        name="OdooRequestsRefused",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="sum by (instance, listener) (increase(odoo_request_queue_overflows_total[5m])) > <above>",
        summary="Odoo refuses connections",
        description=f"{INSTANCE} refused {WHOLE} connections in the last 5 minutes: the queue of its "
        f"{{{{ $labels.listener }}}} workers was full.",
        dashboard="odoo-system-health",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooConnectionPoolExhausted",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="sum by (instance, pool) (increase(odoo_connection_pool_exhausted_total[5m])) > <above>",
        summary="Odoo's connection pool is exhausted",
        description=f"{INSTANCE} failed to open {WHOLE} database cursors in the last 5 minutes, because a process "
        "used all db_maxconn connections. The requests or scheduled actions concerned failed.",
        dashboard="postgresql",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooApplicationErrors",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        # a line of the log has no database: an instance is compared with the lowest threshold of its databases
        expr="60 * sum by (instance) (telemetry:odoo_application_error_rate:rate_5m) > on (instance) "
        f"{threshold('application_errors_per_minute', 'instance')}",
        summary="Odoo errors above the configured limit",
        description=f"{INSTANCE} had {ONE} unhandled errors per minute over the last 5 minutes, more than "
        f"{limit('application_errors_per_minute')}.",
        dashboard="odoo-system-health",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooBrowserErrorsHigh",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr='60 * sum by (database) (rate(odoo_browser_errors_total{kind="script"}[5m])) > <above_per_minute>',
        summary="More than <above_per_minute> JavaScript errors per minute in browsers",
        description=f"Browsers with pages of the database {DATABASE} reported {ONE} JavaScript errors per minute"
        " over the last 5 minutes; the threshold is <above_per_minute>.",
        dashboard="odoo-system-health",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooPagesBlank",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr='sum by (database) (increase(odoo_browser_errors_total{kind="blank"}[15m])) > <above>',
        summary="Blank Odoo pages in browsers",
        description=f"{WHOLE} pages of the database {DATABASE} were still blank 10 s after they had loaded, in "
        "the last 15 minutes; the threshold is <above>.",
        dashboard="odoo-system-health",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooCacheHitRatioLow",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="telemetry:odoo_orm_cache_hit_ratio:percent_5m < <below_percent> and "
        "telemetry:odoo_orm_cache_lookups:increase_5m / 5 >= <minimum_lookups_per_minute>",
        summary="ORM cache hit ratio below <below_percent>%",
        description=f"The ORM cache hit ratio of {INSTANCE} was {ONE}% over the last 5 minutes; the threshold is"
        " <below_percent>%.",
        dashboard="odoo-system-health",
        keep_firing_for="5m",
    ),
    Alert(
        name="OdooConcurrentUsersHigh",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="sum by (database) (max by (database, user_role) (odoo_concurrent_users)) > on (database) "
        f"{threshold('concurrent_users', 'database')}",
        summary="Concurrent users above the configured limit",
        description=f"The database {DATABASE} has {WHOLE} concurrent users, more than {limit('concurrent_users')}.",
        dashboard="odoo-system-health",
        keep_firing_for="10m",
    ),
    Alert(
        name="OdooJobsFailing",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="100 * sum by (database, cron) (increase(odoo_cron_failures_total[1h])) / "
        "sum by (database, cron) (increase(odoo_cron_runs_total[1h])) > <above_percent>",
        summary="More than <above_percent>% of the runs of a scheduled action fail",
        description=f"{WHOLE}% of the runs of the scheduled action {{{{ $labels.cron }}}} of the database "
        f"{DATABASE} failed in the last hour; the threshold is <above_percent>%.",
        dashboard="odoo-jobs",
    ),
)
