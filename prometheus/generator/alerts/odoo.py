"""Alerts about Odoo: its workers, requests, errors, users and jobs."""

from ..rules import Alert
from .parts import DATABASE, INSTANCE, ONE, PROBE, WHOLE, threshold

ALERTS = (
    Alert(
        name="OdooDown",
        severity="critical",
        team="platform",
        subject="odoo",
        tile="errors",
        expr='probe_success{service_name="odoo"} == 0',
        summary="Odoo is down",
        description=PROBE,
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
        description=f"{WHOLE} of the {{{{ $labels.kind }}}} workers that {INSTANCE} is configured for are not there.",
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
        description=f"{WHOLE} connections are queued for a {{{{ $labels.listener }}}} worker of {INSTANCE}; "
        "the threshold is <above>.",
        dashboard="odoo-system-health",
        keep_firing_for="3m",
    ),
    # a flood of anybody's connections is enough: OdooDown pages if users feel it
    Alert(
        name="OdooRequestsRefused",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="sum by (instance, listener) (increase(odoo_request_queue_overflows_total[5m])) > <above>",
        summary="Odoo refuses connections",
        description=f"{INSTANCE} refused {WHOLE} connections in the last 5 minutes, because too many waited "
        f"for a {{{{ $labels.listener }}}} worker.",
        dashboard="odoo-system-health",
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
        summary="Odoo error rate above the threshold in its settings",
        description=f"{ONE} unhandled errors per minute in the log of {INSTANCE} over the last 5 minutes; more "
        "than the settings of its databases allow.",
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
        summary="Odoo ORM cache hit ratio below <below_percent>%",
        description=f"The ORM cache of {INSTANCE} answered {ONE}% of the look-ups of the last 5 minutes; the "
        "threshold is <below_percent>%.",
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
        summary="Concurrent users above the threshold in Odoo's settings",
        description=f"{WHOLE} users of the database {DATABASE} work at the same time; more than Odoo's "
        "settings allow for.",
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
        summary="More than <above_percent>% of the runs of a scheduled job fail",
        description=f"{WHOLE}% of the runs of {{{{ $labels.cron }}}} in the database {DATABASE} in the last hour "
        f"failed.",
        dashboard="odoo-system-health",
    ),
)
