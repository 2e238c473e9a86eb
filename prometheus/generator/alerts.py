"""The alerts, but for those of the error budgets.

`<name>` stands for the threshold of that name in thresholds.yml. Against fatigue: `keep` holds an alert whose condition
comes and goes, and a share counts only where there were enough events.
"""

from . import working_hours
from .promql import CLIENTS
from .rules import Alert, Group
from .thresholds import Thresholds

BACKUPS = ("platform", "n8n", "monitoring")
"""The backups that must have been made."""

CRITICAL, WARNING = "critical", "warning"
SYSTEM, DATABASE, TELEMETRY, INTEGRATION, IMAGES, BUDGETS, BUSINESS, ONBOARDING = (
    f"/d/{uid}"
    for uid in (
        "odoo-system-health",
        "postgresql",
        "telemetry",
        "n8n-ai-integration-performance",
        "ai-image-generation-service-kpis",
        "slo",
        "business-operations-overview",
        "onboarding-funnel",
    )
)

_ONE = '{{ $value | printf "%.1f" }}'
_WHOLE = '{{ $value | printf "%.0f" }}'
_LASTS = "{{ $value | humanizeDuration }}"
_ON_HOST = "{{ $labels.host }}"
_OF_DISK = "{{ $labels.mount_point }} on {{ $labels.host }}"
_OF_DEVICE = "{{ $labels.device }} of {{ $labels.host }}"
_OF_GPU = "GPU {{ $labels.gpu }} of {{ $labels.host }}"
_OF_DATABASE = "{{ $labels.db_instance }}"


def files(thresholds: Thresholds, jobs: list[str]) -> dict[str, list[Group]]:
    """Return the groups of alerts by name of their file.

    jobs: the scrape jobs that must have targets.
    """
    subjects = {
        "hosts": HOSTS,
        "gpu": GPU,
        "postgresql": POSTGRESQL,
        "odoo": ODOO,
        "integration": INTEGRATIONS,
        "ai_images": AI_IMAGES,
        "business": BUSINESSES,
        "backups": BACKED_UP,
        "monitoring": (*MONITORING, missing(jobs)),
    }
    return {
        f"alerts_{subject}": [
            Group(
                f"alerts-{subject.replace('_', '-')}",
                [working_hours.restrict(thresholds.apply(alert)) for alert in alerts],
            )
        ]
        for subject, alerts in subjects.items()
    }


def _platform(name, severity, expr, summary, description, dashboard=SYSTEM, keep=""):
    return Alert(name, severity, "platform", expr, summary, description, dashboard, keep)


def _integration(name, severity, expr, summary, description, dashboard=INTEGRATION, keep=""):
    return Alert(name, severity, "integration", expr, summary, description, dashboard, keep)


def _onboarding(name, expr, summary, description, keep=""):
    return Alert(name, WARNING, "business", expr, summary, description, ONBOARDING, keep)


def _database(name, severity, expr, summary, description, keep=""):
    return _platform(name, severity, expr, summary, description, DATABASE, keep)


def _telemetry(name, severity, expr, summary, description, keep=""):
    return _platform(name, severity, expr, summary, description, TELEMETRY, keep)


def _two(team, names, expr, summaries, description, dashboard, keep="5m"):
    """The warning and the critical alert about the same thing."""
    return tuple(
        Alert(name, severity, team, expr, summary, description, dashboard, keep)
        for name, severity, summary in zip(names, (WARNING, CRITICAL), summaries, strict=True)
    )


_DISK_LABELS = "host, service_name, mount_point"
HOSTS = (
    *_two(
        "platform",
        ("HostCpuHigh", "HostCpuCritical"),
        "telemetry:system_cpu_utilization:avg_5m > <above_percent>",
        ("A host's CPUs are busy", "A host's CPUs are nearly used up"),
        f"The CPUs of {_ON_HOST} ({{{{ $labels.service_name }}}}) were {_ONE} % busy over the last 5 minutes; more "
        f"than <above_percent> % is too much.",
        SYSTEM,
    ),
    *_two(
        "platform",
        ("HostMemoryHigh", "HostMemoryCritical"),
        "telemetry:system_memory_utilization:percent > <above_percent>",
        ("A host's memory is filling", "A host's memory is nearly used up"),
        f"{_ONE} % of the memory of {_ON_HOST} ({{{{ $labels.service_name }}}}) is used; more than <above_percent> "
        f"% is too much.",
        SYSTEM,
    ),
    *_two(
        "platform",
        ("DiskSpaceLow", "DiskSpaceCritical"),
        "telemetry:system_disk_space_used:percent > <above_percent>",
        ("A disk is filling", "A disk is nearly full"),
        f"{_OF_DISK} is {_ONE} % full; more than <above_percent> % is too much.",
        SYSTEM,
    ),
    _platform(
        "DiskFullSoon",
        WARNING,
        f"telemetry:system_disk_space_used:percent > <above_percent> and on ({_DISK_LABELS}) "
        f"min by ({_DISK_LABELS}) (label_replace(predict_linear(node_filesystem_avail_bytes[6h], "
        '<within_hours> * 3600), "mount_point", "$1", "mountpoint", "(.+)")) < 0',
        "A disk will soon be full",
        f"{_OF_DISK} is {_ONE} % full, and will be full within <within_hours> hours if it goes on filling as it "
        f"did over the last 6.",
        keep="30m",
    ),
    *_two(
        "platform",
        ("DiskBusy", "DiskSaturated"),
        "telemetry:system_disk_io_time:percent_5m > <above_percent>",
        ("A disk is busy", "A disk has more to do than it can"),
        f"{_OF_DEVICE} was busy {_ONE} % of the last 5 minutes; more than <above_percent> % is too much.",
        DATABASE,
    ),
    *_two(
        "platform",
        ("NetworkBusy", "NetworkSaturated"),
        "telemetry:system_network_utilization:percent_5m > <above_percent>",
        ("A network link is busy", "A network link is nearly used up"),
        f"{_OF_DEVICE} carried {_ONE} % of what it can over the last 5 minutes; more than <above_percent> % is too "
        f"much.",
        SYSTEM,
    ),
    _platform(
        "HostDown",
        CRITICAL,
        'up{job="node"} == 0',
        "A host does not answer",
        f"{_ON_HOST} ({{{{ $labels.service_name }}}}) does not answer Prometheus (up is {_WHOLE}).",
    ),
)

GPU = (
    *_two(
        "integration",
        ("GpuBusy", "GpuSaturated"),
        "avg_over_time(gpu_utilization_percent[5m]) > <above_percent>",
        ("A GPU is busy", "A GPU has more to do than it can"),
        f"{_OF_GPU} was {_ONE} % busy over the last 5 minutes; more than <above_percent> % is too much.",
        IMAGES,
    ),
    *_two(
        "integration",
        ("GpuMemoryHigh", "GpuMemoryCritical"),
        "influencegen:gpu_memory_utilization:percent > <above_percent>",
        ("A GPU's memory is filling", "A GPU's memory is nearly used up"),
        f"{_ONE} % of the memory of {_OF_GPU} is used; more than <above_percent> % is too much.",
        IMAGES,
    ),
    _integration(
        "GpuMissing",
        CRITICAL,
        "gpu_up == 0",
        "A GPU can't be used",
        f"A GPU of {_ON_HOST}, or its driver, does not answer (gpu_up is {_WHOLE}).",
        IMAGES,
    ),
    _integration(
        "GpuErrors",
        WARNING,
        "sum by (host, gpu) (increase(gpu_xid_errors_total[1h])) > <above> "
        'or sum by (host, gpu) (increase(gpu_ecc_errors_total{error_type="uncorrected"}[1h])) > <above>',
        "A GPU makes errors",
        f"{_OF_GPU} reported {_WHOLE} errors in the last hour.",
        IMAGES,
    ),
    _integration(
        "GpuHot",
        WARNING,
        "gpu_temperature_celsius > <above_celsius>",
        "A GPU is hot",
        f"{_OF_GPU} has {_WHOLE} °C; more than <above_celsius> is too hot.",
        IMAGES,
        "5m",
    ),
)

_CONNECTIONS = "telemetry:postgresql_connections_utilization:percent > <above_percent>"
POSTGRESQL = (
    _database(
        "PostgresDown",
        CRITICAL,
        "pg_up == 0",
        "PostgreSQL does not answer",
        f"PostgreSQL on {_OF_DATABASE} does not answer (pg_up is {_WHOLE}).",
    ),
    *_two(
        "platform",
        ("PostgresConnectionsHigh", "PostgresConnectionsCritical"),
        _CONNECTIONS,
        ("PostgreSQL's connections are running out", "PostgreSQL's connections are nearly used up"),
        f"{_ONE} % of the connections that PostgreSQL on {_OF_DATABASE} allows are used; more than <above_percent> "
        f"% is too much.",
        DATABASE,
    ),
    _database(
        "PostgresConnectionsRunOutSoon",
        WARNING,
        f"{_CONNECTIONS} and on (db_instance) "
        f"predict_linear(telemetry:postgresql_connections_utilization:percent"
        "[30m], <within_hours> * 3600) > 100",
        "PostgreSQL's connections will soon run out",
        f"{_ONE} % of the connections that PostgreSQL on {_OF_DATABASE} allows are used, and none will be left "
        f"within <within_hours> h if it goes on as over the last 30 minutes.",
        keep="15m",
    ),
    _database(
        "PostgresSlowQueries",
        WARNING,
        "60 * sum by (db_instance) (telemetry:postgresql_query_slow_query_rate:rate_5m) > <above_per_minute>",
        "PostgreSQL is slow to answer",
        f"{_ONE} statements a minute took PostgreSQL on {_OF_DATABASE} too long over the last 5 minutes; more "
        f"than <above_per_minute> are too many.",
        keep="5m",
    ),
    _database(
        "PostgresSlowQueriesMiscounted",
        WARNING,
        "sum by (db_instance) (increase(postgresql_slow_queries_unreadable_lines_total[1h]) + "
        "increase(postgresql_slow_queries_translated_lines_total[1h])) > <above> or "
        "max by (db_instance) (round(1000 * pg_settings_log_min_duration_statement_seconds)) "
        "!= on (db_instance) max by (db_instance) (round(1000 * postgresql_slow_queries_threshold_seconds))",
        "Slow statements are not all counted",
        f"The count of slow statements on {_OF_DATABASE} is too low or has another threshold (value {_WHOLE}): "
        "more than <above> lines of the log in the last hour are damaged or in another language than English, "
        "or log_min_duration_statement differs from the threshold of the exporter.",
    ),
    _database(
        "PostgresLongTransaction",
        WARNING,
        f'max by (db_instance, datname) (pg_stat_activity_max_tx_duration{{state!="idle", {CLIENTS}}}) '
        "> <above_seconds>",
        "A transaction stays open",
        f"A client's transaction in {{{{ $labels.datname }}}} on {_OF_DATABASE} has been open for {_LASTS}; it "
        f"holds its locks, and keeps old rows from being cleared away.",
    ),
    _database(
        "PostgresDeadlocks",
        WARNING,
        "sum by (db_instance, datname) (increase(pg_stat_database_deadlocks[1h])) > <above_per_hour>",
        "Transactions lock each other out",
        f"{_WHOLE} deadlocks in {{{{ $labels.datname }}}} on {_OF_DATABASE} in the last hour; more than "
        "<above_per_hour> are too many.",
    ),
    _database(
        "PostgresReplicationLag",
        WARNING,
        "max by (db_instance) (pg_replication_lag_seconds) > <above_seconds>",
        "A copy of the database lags behind",
        f"The standby {_OF_DATABASE} is {_LASTS} behind; more than <above_seconds> s is too much.",
        keep="5m",
    ),
)


def _threshold(name, labels=""):
    """What an administrator set in Odoo; the strictest, where databases differ and an alert is about all."""
    return f'min{labels} (odoo_telemetry_threshold{{name="{name}"}})'


_PROBE = "It did not answer the probe of its health (probe_success is {{ $value }})."
ODOO = (
    _platform("OdooDown", CRITICAL, 'probe_success{service_name="odoo"} == 0', "Odoo does not answer", _PROBE),
    _platform(
        "OdooWorkersMissing",
        CRITICAL,
        "sum by (instance, kind) (odoo_workers_configured) - (sum by (instance, kind) (odoo_workers_active) "
        "or 0 * sum by (instance, kind) (odoo_workers_configured)) > 0",
        "Odoo lacks workers",
        f"{_WHOLE} of the {{{{ $labels.kind }}}} workers that {{{{ $labels.instance }}}} is configured for are "
        f"not there.",
    ),
    _platform(
        "OdooRequestQueueLong",
        WARNING,
        "max by (instance, listener) (odoo_request_queue_length) > <above>",
        "Requests wait for a worker of Odoo",
        f"{_WHOLE} connections wait for a {{{{ $labels.listener }}}} worker of {{{{ $labels.instance }}}}; more "
        f"than <above> are too many.",
        keep="3m",
    ),
    # a flood of anybody's connections is enough: OdooDown pages if users feel it
    _platform(
        "OdooRequestsRefused",
        WARNING,
        "sum by (instance, listener) (increase(odoo_request_queue_overflows_total[5m])) > <above>",
        "Odoo refuses requests",
        f"{{{{ $labels.instance }}}} refused {_WHOLE} connections in the last 5 minutes, because too many "
        f"waited for a {{{{ $labels.listener }}}} worker.",
        keep="5m",
    ),
    _platform(
        "OdooApplicationErrors",
        WARNING,
        f"60 * sum(telemetry:odoo_application_error_rate:rate_5m) > {_threshold('application_errors_per_minute')}",
        "Odoo makes errors",
        f"{_ONE} unhandled errors a minute in Odoo's log over the last 5 minutes; more than Odoo's settings allow.",
        keep="5m",
    ),
    _platform(
        "OdooCacheHitRatioLow",
        WARNING,
        "telemetry:odoo_orm_cache_hit_ratio:percent_5m < <below_percent> and on () "
        "telemetry:odoo_orm_cache_lookups:increase_5m / 5 >= <minimum_lookups_per_minute>",
        "Odoo's cache misses too often",
        f"Odoo's ORM cache answered {_ONE} % of the look-ups of the last 5 minutes; less than <below_percent> % "
        f"is too little.",
        keep="5m",
    ),
    _platform(
        "OdooConcurrentUsersHigh",
        WARNING,
        "sum by (database) (max by (database, user_role) (odoo_concurrent_users)) > on (database) "
        f"{_threshold('concurrent_users', ' by (database)')}",
        "More users than Odoo was sized for",
        f"{_WHOLE} users of the database {{{{ $labels.database }}}} work at the same time; more than Odoo's "
        "settings allow for.",
        keep="10m",
    ),
    _platform(
        "OdooJobsFailing",
        WARNING,
        "100 * sum by (cron) (increase(odoo_cron_failures_total[1h])) / "
        "sum by (cron) (increase(odoo_cron_runs_total[1h])) > <above_percent>",
        "A scheduled job of Odoo fails",
        f"{_WHOLE} % of the runs of {{{{ $labels.cron }}}} in the last hour failed.",
    ),
)


def _slow(name, api, who, dashboard=INTEGRATION):
    """A call's 95th percentile is above what is promised, of enough calls."""
    latency = f"influencegen:api_{api}_latency_seconds"
    return _integration(
        name,
        WARNING,
        f"{latency}:p95_5m > <above_seconds> and on () sum({latency}:count_5m) >= <minimum_calls>",
        f"{who[0].upper()}{who[1:]} is slow",
        f"One call to {who} in twenty took longer than {_LASTS} over the last 5 minutes; <above_seconds> s is the "
        f"target.",
        dashboard,
        keep="5m",
    )


def _unavailable(name, severity, objective, who):
    """Too many calls failed in the last hour, of enough calls, and they still fail."""
    return _integration(
        name,
        severity,
        f'100 * (1 - influencegen:slo_errors:ratio_1h{{slo="{objective}"}}) < <below_percent> '
        f'and influencegen:slo_events:increase_1h{{slo="{objective}"}} >= <minimum_calls> '
        f'and influencegen:slo_errors:ratio_5m{{slo="{objective}"}} > 0',
        f"Calls to {who} fail",
        f'{{{{ $value | printf "%.2f" }}}} % of the calls to {who} in the last hour succeeded, and some still fail; '
        "<below_percent> % is promised.",
        keep="5m",
    )


INTEGRATIONS = (
    _integration("N8nDown", CRITICAL, 'probe_success{service_name="n8n"} == 0', "n8n does not answer", _PROBE),
    _integration(
        "N8nWorkflowErrors",
        WARNING,
        "60 * sum by (workflow_name) (influencegen:n8n_workflow_execution_error_rate:rate_5m) > on () "
        f"group_left () {_threshold('n8n_errors_per_minute')}",
        "A workflow of n8n fails",
        f"{_ONE} executions of {{{{ $labels.workflow_name }}}} a minute failed over the last 5 minutes; more "
        f"than Odoo's settings allow.",
        keep="5m",
    ),
    _integration(
        "N8nQueueLong",
        WARNING,
        "influencegen:n8n_workflow_execution_queue_length:max > <above>",
        "Executions of n8n wait",
        f"{_WHOLE} executions wait to run; more than <above> are too many.",
        keep="5m",
    ),
    _integration(
        "AiServiceDown",
        CRITICAL,
        'probe_success{service_name="aiservice"} == 0',
        "The AI image service does not answer",
        _PROBE,
    ),
    _integration(
        "AiServiceErrorRateHigh",
        CRITICAL,
        "sum(influencegen:api_n8n_to_aiservice_error_rate:rate_5m) > <above_per_second>",
        "Calls to the AI image service fail",
        '{{ $value | printf "%.2f" }} calls a second from n8n to the AI image service failed over the last 5 '
        "minutes; more than <above_per_second> is too many.",
    ),
    _integration(
        "AiServiceSlow",
        WARNING,
        "influencegen:api_n8n_to_aiservice_latency_seconds:avg_5m > <above_seconds>",
        "The AI image service is slow",
        f"A call to the AI image service took {_LASTS} on average over the last 5 minutes; <above_seconds> s "
        f"is the target.",
        keep="5m",
    ),
    _unavailable("AiServiceUnavailable", WARNING, "aiservice", "the AI image service"),
    _slow("WebhookSlow", "odoo_to_n8n_webhook", "n8n's webhook"),
    _unavailable("WebhookUnavailable", CRITICAL, "webhook", "n8n's webhook"),
    _slow("CallbackSlow", "n8n_to_odoo_callback", "Odoo's callback"),
    _unavailable("CallbackUnavailable", CRITICAL, "callback", "Odoo's callback"),
    _integration(
        "KycServiceDown",
        WARNING,
        'probe_success{service_name="kyc"} == 0',
        "The KYC service does not answer",
        _PROBE,
        ONBOARDING,
    ),
    _slow("KycServiceSlow", "external_kyc_service", "the KYC service", ONBOARDING),
    _integration(
        "KycServiceErrors",
        WARNING,
        '100 * influencegen:slo_errors:ratio_1h{slo="kyc"} > <above_percent> '
        'and influencegen:slo_events:increase_1h{slo="kyc"} >= <minimum_calls>',
        "Calls to the KYC service fail",
        f"{_ONE} % of the calls to the KYC service in the last hour failed; more than <above_percent> % is too much.",
        ONBOARDING,
        "10m",
    ),
    _integration(
        "CircuitBreakerOpen",
        WARNING,
        "max by (dependency) (max_over_time(api_circuit_breaker_state[2m])) == 2",
        "A service is not called any more",
        "The circuit to {{ $labels.dependency }} is open (state {{ $value }}): calls fail at once, without being made.",
        keep="2m",
    ),
)

AI_IMAGES = (
    _integration(
        "AiImageGenerationP95High",
        WARNING,
        "influencegen:ai_image_generation_end_to_end_latency_seconds:p95_5m > <above_seconds>",
        "AI images take too long",
        f"One AI image in twenty took longer than {_LASTS} over the last 5 minutes; the target is <above_seconds> s.",
        IMAGES,
    ),
    _integration(
        "AiImageGenerationP90High",
        WARNING,
        "influencegen:ai_image_generation_end_to_end_latency_seconds:p90_5m > <above_seconds>",
        "Many AI images take too long",
        f"One AI image in ten took longer than {_LASTS} over the last 5 minutes; the target is <above_seconds> s.",
        IMAGES,
        "5m",
    ),
    _integration(
        "AiImageSuccessRateLow",
        WARNING,
        "influencegen:ai_image_generation_success_rate:percent_1h < <below_percent> and on () "
        "influencegen:ai_image_generation_ended:increase_1h >= <minimum_images>",
        "AI images fail",
        f"{_ONE} % of the AI images of the last hour were made; less than <below_percent> % is too few.",
        IMAGES,
        "15m",
    ),
    _integration(
        "AiImagesPending",
        WARNING,
        "sum(max by (database) (ai_image_generation_pending)) > <above> and on () "
        "sum(max by (database) (delta(ai_image_generation_pending[30m]))) > 0",
        "AI images pile up",
        f"{_WHOLE} AI images wait to be made, and they become more; more than <above> are too many.",
        IMAGES,
        "10m",
    ),
    _integration(
        "AiImageVolumeHigh",
        WARNING,
        "influencegen:ai_image_generation_daily_volume:increase_1d > <above_per_day>",
        "More AI images than planned",
        f"{_WHOLE} AI images were asked for in the last 24 hours; more than <above_per_day> were not planned for.",
        IMAGES,
        "1h",
    ),
    _integration(
        "AiImageVolumeLow",
        WARNING,
        "influencegen:ai_image_generation_daily_volume:increase_1d < <below_per_day> and "
        "influencegen:ai_image_generation_daily_volume:increase_1d offset 1d > 0",
        "Fewer AI images than planned",
        f"{_WHOLE} AI images were asked for in the last 24 hours; at least <below_per_day> were planned for.",
        IMAGES,
        "1h",
    ),
)

_PER_HOUR = "influencegen:influencer_onboarding_registrations_per_hour"
BUSINESSES = (
    _onboarding(
        "RegistrationSuccessRateLow",
        "influencegen:influencer_registration_success_rate:percent_1h < <below_percent>",
        "Too many influencer registrations fail",
        f"{_ONE} % of the registration attempts of the last hour succeeded; less than <below_percent> % is too few.",
    ),
    _onboarding(
        "RegistrationsHigh",
        f"{_PER_HOUR}:increase_1h > <above_per_hour>",
        "More registrations than planned",
        f"{_WHOLE} registrations were tried in the last hour; more than <above_per_hour> were not planned for.",
        "30m",
    ),
    # over a day: nights are quiet
    _onboarding(
        "RegistrationsLow",
        f"{_PER_HOUR}:avg_1d < <below_per_hour> and {_PER_HOUR}:avg_1d offset 1d > 0",
        "Fewer registrations than planned",
        f"{_WHOLE} registrations an hour were tried over the last day; at least <below_per_hour> were planned for.",
        "1h",
    ),
    _onboarding(
        "KycApprovalRateLow",
        "influencegen:influencer_onboarding_kyc_approval_rate:percent_1d < <below_percent> and on () "
        "influencegen:influencer_kyc_verifications:increase_1d >= <minimum_decisions>",
        "Too few KYC verifications are approved",
        f"{_ONE} % of the KYC verifications of the last day were approved; less than <below_percent> % is too few.",
        "1h",
    ),
    _onboarding(
        "KycManualReviewSlow",
        "influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d > <above_hours>",
        "Manual KYC reviews take too long",
        f"A manual KYC review took {_ONE} hours on average over the last day; more than <above_hours> is too long.",
        "1h",
    ),
    _onboarding(
        "KycQueueOld",
        "max by (state) (influencer_kyc_queue_oldest_age_seconds) / 3600 > <above_hours>",
        "A KYC submission waits too long",
        f"A KYC submission in state {{{{ $labels.state }}}} has waited {_ONE} hours; more than <above_hours> "
        f"is too long.",
    ),
    Alert(
        "PaymentSuccessRateLow",
        WARNING,
        "business",
        "influencegen:payment_processing_success_rate:percent_1h < <below_percent> and on () "
        "influencegen:payment_processing_ended:increase_1h >= <minimum_payments>",
        "Payments to influencers fail",
        f"{_ONE} % of the payments that ended in the last hour succeeded; less than <below_percent> % is too few.",
        BUSINESS,
        "15m",
    ),
)

BACKED_UP = (
    _platform(
        "BackupJobFailed",
        CRITICAL,
        "influencegen:system_backup_job_success_rate:percent_24h < <below_percent>",
        "A backup failed",
        f"{_ONE} % of the backup jobs of the last 24 hours succeeded; all must.",
        BUDGETS,
    ),
    # one that never ran tells 0 as its last success, or nothing at all
    _platform(
        "BackupMissing",
        CRITICAL,
        "time() - max by (backup) (backup_last_success_timestamp_seconds) > "
        "<above_schedules> * max by (backup) (backup_schedule_seconds) or "
        + " or ".join(
            f'time() * absent(backup_last_success_timestamp_seconds{{backup="{backup}"}})' for backup in BACKUPS
        ),
        "There is no recent backup",
        f"The last good backup of {{{{ $labels.backup }}}} is {_LASTS} old, more than <above_schedules> times "
        f"what it may be; if that is decades, there never was one.",
        BUDGETS,
    ),
)


def missing(jobs: list[str]) -> Alert:
    """The alert about scrape jobs that have no answer, or no target at all; a host has an alert of its own."""
    return _telemetry(
        "TargetMissing",
        CRITICAL,
        'up{job!="node"} == 0 or ' + " or ".join(f'absent(up{{job="{job}"}}) - 1' for job in jobs),
        "Prometheus gets no metrics",
        "{{ if $labels.instance }}{{ $labels.instance }} does not answer{{ else }}There is no target{{ end }} for job "
        f"{{{{ $labels.job }}}} (up is {_WHOLE}): what it tells of is not seen.",
    )


_IN_DATABASE = "{{ $labels.database }}"
_AGE = "odoo_telemetry_database_read_age_seconds"
LEDGER = (
    _telemetry(
        "TelemetryDisagreesWithDatabase",
        CRITICAL,
        "max by (database, fact) (odoo_telemetry_audit_missing_rows + odoo_telemetry_audit_extra_rows) > <above_rows>",
        "The ledger of facts differs from the database",
        f"{_WHOLE} rows of {{{{ $labels.fact }}}} in the database {_IN_DATABASE} are missing in the ledger or "
        "no longer there, by the last complete audit; more than <above_rows> is a difference. The metric is "
        "wrong by up to as many.",
    ),
    # each instance that exports a database exports its thresholds, even those that were never read from it
    _telemetry(
        "TelemetryReadingStale",
        WARNING,
        f"max by (instance, database) ({_AGE}) > <above_seconds> or min by (instance, database) ({_AGE}) < 0 "
        "or 0 * max by (instance, database) (odoo_telemetry_threshold) - 1 "
        f"unless on (instance, database) {_AGE}",
        "Values read from the database are stale",
        f"{{{{ if lt $value 0.0 }}}}{{{{ $labels.instance }}}} has no reading of the database {_IN_DATABASE}, "
        f"or one with an age below 0 ({_ONE} s){{{{ else }}}}The reading of the database {_IN_DATABASE} by "
        f"{{{{ $labels.instance }}}} is {_LASTS} old{{{{ end }}}}; more than <above_seconds> s is stale. Alerts "
        "and dashboards that use it show an earlier state.",
        "5m",
    ),
    # one alert for all facts: they share one audit
    _telemetry(
        "TelemetryAuditStale",
        WARNING,
        "time() - min by (database) (max by (database, fact) "
        "(odoo_telemetry_audit_completed_timestamp_seconds)) > 86400 * <above_days>",
        "The audit of the ledger does not complete",
        f"The last complete audit of a fact in the database {_IN_DATABASE} ended {_LASTS} ago; more than "
        "<above_days> days is stale, and decades mean that none has ended. Differences between counters and "
        "rows are not detected.",
    ),
    _telemetry(
        "TelemetryLedgerBacklog",
        WARNING,
        "max by (database) (odoo_telemetry_ledger_backlog) > <above_entries>",
        "Entries of the ledger are not rolled up",
        f"{_WHOLE} entries of the ledger in the database {_IN_DATABASE} are not rolled up; more than "
        "<above_entries> is a backlog. Counters stay right, and each scrape takes longer.",
        "15m",
    ),
    _telemetry(
        "TelemetryDatabaseRestored",
        WARNING,
        "telemetry:facts_carried_over:increase_1h > <above_facts>",
        "The database is in an older state than its counters",
        f"The database {_IN_DATABASE} held {_WHOLE} facts fewer than its counters when it was read in the last "
        "hour; more than <above_facts> is a restore. The counters include what the restore removed.",
    ),
)

MONITORING = (
    Alert(
        "DeadMansSwitch",
        "none",
        "platform",
        "vector(1)",
        "Alerts arrive",
        "This alert always fires (its value is {{ $value }}): if it stops, alerts do not arrive any more.",
    ),
    _telemetry(
        "ScrapeSlow",
        WARNING,
        "max by (job, instance) (avg_over_time(scrape_duration_seconds[10m])) > <above_seconds>",
        "Metrics are slow to read",
        f"{{{{ $labels.instance }}}} took {_LASTS} on average to answer job {{{{ $labels.job }}}}; more than "
        "<above_seconds> s is too long.",
        "10m",
    ),
    _telemetry(
        "RuleEvaluationFailing",
        CRITICAL,
        "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) > <above>",
        "Prometheus can't evaluate rules",
        f"{_WHOLE} evaluations of {{{{ $labels.rule_group }}}} failed in the last 5 minutes: its alerts are blind.",
        "15m",
    ),
    _telemetry(
        "AlertmanagerUnreachable",
        CRITICAL,
        "sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m])) > 0 "
        "or max by (instance) (prometheus_notifications_alertmanagers_discovered) == 0",
        "Prometheus does not reach Alertmanager",
        f"Prometheus can't hand alerts over to Alertmanager ({_WHOLE}).",
    ),
    _telemetry(
        "NotificationsFailing",
        CRITICAL,
        "sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > <above>",
        "Alertmanager can't tell anybody",
        f"{_WHOLE} notifications by {{{{ $labels.integration }}}} failed in the last 5 minutes.",
        "10m",
    ),
    _telemetry(
        "LabelOverflow",
        WARNING,
        "sum by (label) (increase(odoo_telemetry_labels_folded_total[1h])) > <above>",
        "A label has too many values",
        f"{_WHOLE} values of the label {{{{ $labels.label }}}} became `other` in the last hour.",
        "1h",
    ),
    _telemetry(
        "TelemetryErrors",
        WARNING,
        "sum by (reason) (increase(odoo_telemetry_errors_total[15m])) > <above>",
        "Telemetry itself makes errors",
        f"{_WHOLE} errors of kind {{{{ $labels.reason }}}} in the last 15 minutes: values are missing or old.",
        keep="15m",
    ),
    *LEDGER,
    _telemetry(
        "LongTermStorageBehind",
        WARNING,
        "prometheus_remote_storage_samples_pending > <above>",
        "Long-term storage lags behind",
        f"{_WHOLE} samples wait to be sent to {{{{ $labels.remote_name }}}}, and have waited all the time; each "
        f"round of rules should be sent within seconds.",
        "10m",
    ),
)
