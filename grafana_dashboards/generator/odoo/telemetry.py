"""Telemetry Self-Health: can the values of all dashboards be relied on, and what do they cost?"""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query, or_zero
from . import SERVICES

_INSTANCE = 'instance=~"$instance"'
_DATABASE = f'{_INSTANCE}, database=~"$database"'
_NO_SPEC = "not in it; the risk of misleading metrics, and the cost of collecting them"
_NOT_SCRAPED = "Odoo is not scraped."
_NO_FACTS = "Odoo is not scraped, or no addon there declares facts."
_PRESENT = f"odoo_workers_configured{{{_INSTANCE}}}"

_OVERVIEW = (
    stat(
        "Targets down",
        Query("count(up == 0) or 0 * max(up)", interval=BUSINESS),
        "none",
        spec=_NO_SPEC,
        description="Targets that do not answer Prometheus. Their metrics are missing on every dashboard.",
        no_value="Prometheus scrapes nothing: look at its log.",
        alerts=("TargetMissing",),
        mappings=NONE,
    ),
    stat(
        "Audit differences",
        Query(
            f"max(odoo_telemetry_audit_missing_rows{{{_DATABASE}}} + odoo_telemetry_audit_extra_rows{{{_DATABASE}}})",
            interval=BUSINESS,
        ),
        "none",
        spec=_NO_SPEC,
        description="Rows that are missing in the ledger or no longer in the database, of the fact with the most, by "
        "the last complete audit. Any row means that a table was changed without its triggers.",
        no_value=_NO_FACTS,
        decimals=0,
        alerts=("TelemetryDisagreesWithDatabase",),
        mappings=NONE,
    ),
    stat(
        "Telemetry errors",
        Query(
            or_zero(f"sum(increase(odoo_telemetry_errors_total{{{_INSTANCE}}}[15m]))", _PRESENT),
            interval=SYSTEM,
        ),
        "none",
        spec=_NO_SPEC,
        description="Failures of telemetry itself in the last 15 minutes. Each costs a value, never a request. Odoo's "
        "log has one line a minute about them.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("TelemetryErrors",),
        mappings=NONE,
    ),
    stat(
        "Capped labels (1 h)",
        Query(
            or_zero(f"sum(increase(odoo_telemetry_labels_folded_total{{{_INSTANCE}}}[1h]))", _PRESENT),
            interval=SYSTEM,
        ),
        "none",
        spec=_NO_SPEC,
        description="Values that were aggregated as `other`, because their label had reached its limit. Find the "
        "label below, and raise its limit in Settings, Telemetry, if its values are worth it.",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("LabelOverflow",),
        mappings=NONE,
    ),
    stat(
        "Failed rules (5 m)",
        Query("sum(increase(prometheus_rule_evaluation_failures_total[5m]))", interval=BUSINESS),
        "none",
        spec=_NO_SPEC,
        description="Rule evaluations that failed. Alerts that depend on them do not fire.",
        no_value="Prometheus does not scrape itself.",
        decimals=0,
        alerts=("RuleEvaluationFailing",),
        mappings=NONE,
    ),
    stat(
        "Failed notifications",
        Query("sum(increase(alertmanager_notifications_failed_total[5m]))", interval=BUSINESS),
        "none",
        spec=_NO_SPEC,
        description="Notifications that failed in the last 5 minutes: on-call may not know about an alert. Look at "
        "the receivers of Alertmanager.",
        no_value="Alertmanager is not scraped.",
        decimals=0,
        alerts=("NotificationsFailing",),
        runbooks=("AlertmanagerUnreachable",),
        mappings=NONE,
    ),
)

_COST = (
    bar_gauge(
        "Slowest scrapes",
        [Query("topk(5, max by (job) (avg_over_time(scrape_duration_seconds[10m])))", "{{job}}", BUSINESS)],
        "s",
        spec=_NO_SPEC,
        description="The five jobs with the longest scrapes, on average over 10 minutes. A scrape of Odoo must not "
        "slow down with time, or with the number of workers that ever ran.",
        no_value="Prometheus scrapes nothing: look at its log.",
        alerts=("ScrapeSlow",),
    ),
    bar_gauge(
        "Series by job",
        [Query("topk(5, sum by (job) (scrape_samples_post_metric_relabeling))", "{{job}}", BUSINESS)],
        "none",
        spec=_NO_SPEC,
        description="The five jobs with the most series: the memory of Prometheus grows with them. After a sudden "
        "rise, look for a label with many values beside.",
        no_value="Prometheus scrapes nothing: look at its log.",
        runbooks=("LabelOverflow",),
    ),
    bar_gauge(
        "Values by label",
        [Query(f"topk(5, max by (label) (odoo_telemetry_label_values{{{_DATABASE}}}))", "{{label}}", SYSTEM)],
        "none",
        spec=_NO_SPEC,
        description="The five labels with the most values, of the database that has the most.",
        no_value=_NOT_SCRAPED,
        runbooks=("LabelOverflow",),
    ),
    time_series(
        "Shared store",
        [
            Query(f"max(odoo_telemetry_series{{{_INSTANCE}}})", "samples", SYSTEM),
            Query(f"max(odoo_telemetry_slots{{{_INSTANCE}}})", "worker slots", SYSTEM),
        ],
        "none",
        width=12,
        spec=_NO_SPEC,
        description="Samples and slots of the largest server. There are as many slots as workers that ran at once: if "
        "they grow as workers are recycled, slots are not released.",
        no_value=_NOT_SCRAPED,
    ),
)

_ACCURACY = (
    bar_gauge(
        "Audit progress",
        [
            Query(
                "bottomk(5, 100 * min by (fact) (max by (database, fact) "
                f"(odoo_telemetry_audit_progress_ratio{{{_DATABASE}}})))",
                "{{fact}}",
                BUSINESS,
            )
        ],
        "percent",
        width=8,
        maximum=100,
        spec=_NO_SPEC,
        description="Share of the rows that the current audit has compared with the ledger, of the five facts that "
        "are furthest behind, in the database where they are. The audit takes a second of each minute, begins again "
        "when it has completed, and must complete within days.",
        no_value=_NO_FACTS,
        runbooks=("TelemetryAuditStale",),
    ),
    time_series(
        "Ledger",
        [
            Query(f"sum(max by (database) (odoo_telemetry_ledger_backlog{{{_DATABASE}}}))", "backlog", BUSINESS),
            Query(
                'sum(telemetry:facts_carried_over:increase_1h{database=~"$database"})',
                "carried over (1 h)",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "none",
        spec=_NO_SPEC,
        description="Backlog: entries that are not rolled up; a scrape rolls up what it finds, so it stays near 0. "
        "Carried over: facts that counters include although a restore removed them from the database, in the hour "
        "before each moment.",
        no_value=_NOT_SCRAPED,
        alerts=("TelemetryLedgerBacklog",),
        runbooks=("TelemetryDatabaseRestored",),
    ),
    time_series(
        "Age of the database reading",
        [
            Query(f"max(odoo_telemetry_database_read_age_seconds{{{_DATABASE}}})", "age", BUSINESS),
            Query(f"max(odoo_telemetry_database_read_duration_seconds{{{_DATABASE}}})", "duration", BUSINESS),
        ],
        "s",
        spec=_NO_SPEC,
        description="Age of the values that are read from the database, and the time that the last reading took. It "
        "is read again after 25 s when Odoo is scraped; older values mean that the reading fails or takes too long.",
        no_value=_NOT_SCRAPED,
        alerts=("TelemetryReadingStale",),
    ),
    time_series(
        "Remote write backlog",
        [Query("sum by (remote_name) (prometheus_remote_storage_samples_pending)", "{{remote_name}}", BUSINESS)],
        "none",
        spec=_NO_SPEC,
        description="Samples that are not yet written to each remote storage. Prometheus keeps them for two hours.",
        no_value="Prometheus does not scrape itself, or has no remote_write.",
        runbooks=("LongTermStorageBehind",),
    ),
    time_series(
        "Telemetry errors by reason",
        [
            Query(
                f"sum by (reason) (increase(odoo_telemetry_errors_total{{{_INSTANCE}}}[15m])) > 0",
                "{{reason}}",
                SYSTEM,
                CRITICAL,
            ),
        ],
        "none",
        spec=_NO_SPEC,
        description="Errors in the 15 minutes before each moment.",
        no_value="No error in this time.",
        runbooks=("TelemetryErrors",),
    ),
    bar_gauge(
        "Slowest rule files",
        [
            Query(
                "topk(5, sum by (rules) (label_replace(prometheus_rule_group_last_duration_seconds, "
                '"rules", "$1", "rule_group", ".*/([^/;]+)[.]yml;.*")))',
                "{{rules}}",
                BUSINESS,
            )
        ],
        "s",
        width=8,
        spec=_NO_SPEC,
        description="The five files of rules whose groups took longest in total at their last evaluation. It must "
        "stay well below their interval.",
        no_value="Prometheus does not scrape itself.",
        runbooks=("RuleEvaluationFailing",),
    ),
)

PAGE = Page(
    uid="telemetry",
    title="Telemetry Self-Health",
    audience="Platform Administrators, Operations Team",
    summary="Can the values of all dashboards be relied on, and what do they cost?",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "Cost": _COST, "Accuracy": _ACCURACY},
)
