"""Telemetry Self-Health: accuracy and cost of telemetry itself."""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query, or_zero
from . import SERVICES

_INSTANCE = 'instance=~"$instance"'
_DATABASE = f'{_INSTANCE}, database=~"$database"'
_NOT_SCRAPED = "No data from Odoo: see Targets down."
_NO_FACTS = "No data from Odoo, or no installed addon declares facts."
_PER_SERVER = "Per server, not per database."
_ERRORS = f"sum by (instance, reason) (increase(odoo_telemetry_errors_total{{{_INSTANCE}}}[15m]))"
_PRESENT = f"odoo_workers_configured{{{_INSTANCE}}}"

_OVERVIEW = (
    stat(
        "Targets down",
        Query("count(up == 0) or 0 * max(up)", interval=BUSINESS),
        "none",
        width=8,
        description="Targets that do not answer Prometheus, of all servers. Their metrics are missing on every "
        "dashboard.",
        no_value="Prometheus has no targets: check its log.",
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
        width=8,
        description="Rows that are missing in the ledger, or are in it but no longer in their table, by the last "
        "complete audit, for the fact with the most. The ledger is the table in which triggers record business "
        "events (facts). Any difference means that a table was changed without its triggers.",
        no_value=_NO_FACTS,
        decimals=0,
        alerts=("TelemetryDisagreesWithDatabase",),
        mappings=NONE,
    ),
    stat(
        "Telemetry errors (15 m)",
        Query(
            or_zero(f"max({_ERRORS})", _PRESENT),
            interval=SYSTEM,
        ),
        "none",
        width=8,
        description="Failures of telemetry itself in the last 15 minutes, for the server and reason with the most. "
        "A failure can lose a value, but never fails a request. Odoo's log has at most one line per minute for each "
        f"reason. {_PER_SERVER}",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("TelemetryErrors",),
        mappings=NONE,
    ),
    stat(
        "Aggregated label values (1 h)",
        Query(
            or_zero(f"sum(increase(odoo_telemetry_labels_folded_total{{{_INSTANCE}}}[1h]))", _PRESENT),
            interval=SYSTEM,
        ),
        "none",
        width=8,
        description="Samples whose label value was aggregated as `other`, because the label had reached its limit. "
        f"Find the label below, and raise its limit in Settings, Telemetry, if its values are worth it. {_PER_SERVER}",
        no_value=_NOT_SCRAPED,
        decimals=0,
        alerts=("LabelOverflow",),
        mappings=NONE,
    ),
    stat(
        "Failed rule evaluations (5 m)",
        Query("sum(increase(prometheus_rule_evaluation_failures_total[5m]))", interval=BUSINESS),
        "none",
        width=8,
        description="Rule evaluations of Prometheus that failed. Alerts that depend on them do not fire.",
        no_value="No data from Prometheus about itself.",
        decimals=0,
        alerts=("RuleEvaluationFailing",),
        mappings=NONE,
    ),
    stat(
        "Failed notifications (5 m)",
        Query("sum(increase(alertmanager_notifications_failed_total[5m]))", interval=BUSINESS),
        "none",
        width=8,
        description="Notifications of Alertmanager that failed in the last 5 minutes: on-call may not know about an "
        "alert. Check the receivers.",
        no_value="No data from Alertmanager: see Targets down.",
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
        description="The five jobs with the longest scrapes, on average over 10 minutes, of all servers. If Odoo's "
        "scrape time grows steadily, see Series and worker slots.",
        no_value="Prometheus has no targets: check its log.",
        alerts=("ScrapeSlow",),
    ),
    bar_gauge(
        "Series by job",
        [Query("topk(5, sum by (job) (scrape_samples_post_metric_relabeling))", "{{job}}", BUSINESS)],
        "none",
        description="The five jobs with the most series, of all servers: Prometheus' memory usage grows with them. "
        "After a sudden rise, check Values by label.",
        no_value="Prometheus has no targets: check its log.",
        runbooks=("LabelOverflow",),
    ),
    bar_gauge(
        "Values by label",
        [Query(f"topk(5, max by (label) (odoo_telemetry_label_values{{{_DATABASE}}}))", "{{label}}", SYSTEM)],
        "none",
        description="The five labels with the most values, in the database with the most.",
        no_value=_NOT_SCRAPED,
        runbooks=("LabelOverflow",),
    ),
    time_series(
        "Series and worker slots",
        [
            Query(f"max(odoo_telemetry_series{{{_INSTANCE}}})", "series", SYSTEM),
            Query(f"max(odoo_telemetry_slots{{{_INSTANCE}}})", "worker slots", SYSTEM),
        ],
        "none",
        width=12,
        description="Stored series and worker slots of the largest server. Slots that grow whenever workers are "
        f"recycled indicate a leak. {_PER_SERVER}",
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
        maximum=100,
        description="Progress of the current audit, for the five slowest facts. An audit compares the ledger with the "
        "tables for one second per minute, restarts when complete, and should complete within two days.",
        no_value=_NO_FACTS,
        runbooks=("TelemetryAuditStale",),
    ),
    time_series(
        "Ledger backlog",
        [
            Query(f"max(odoo_telemetry_ledger_backlog{{{_DATABASE}}})", "not rolled up", BUSINESS),
            Query(
                'sum(telemetry:facts_carried_over:increase_1h{database=~"$database"})',
                "restored (1 h)",
                BUSINESS,
                CRITICAL,
            ),
        ],
        "none",
        width=12,
        description="Not rolled up: entries of the ledger that are not yet added to the totals, in the database with "
        "the most. Each scrape rolls up what it finds, so it stays near 0. Restored: facts that counters still include "
        "although a restore removed them from the database, over the preceding hour.",
        no_value=_NOT_SCRAPED,
        alerts=("TelemetryLedgerBacklog",),
        runbooks=("TelemetryDatabaseRestored",),
    ),
    time_series(
        "Age of database metrics",
        [
            Query(f"max(odoo_telemetry_database_read_age_seconds{{{_DATABASE}}})", "age", BUSINESS),
            Query(f"max(odoo_telemetry_database_read_duration_seconds{{{_DATABASE}}})", "read duration", BUSINESS),
        ],
        "s",
        width=12,
        description="Age of the metrics that Odoo reads from the database, and how long the last read took. Odoo "
        "refreshes them on a scrape once they are older than 25 s. Older values mean that reading fails or is slow.",
        no_value=_NOT_SCRAPED,
        alerts=("TelemetryReadingStale",),
    ),
    time_series(
        "Telemetry errors by reason",
        [
            Query(
                f"max by (reason) ({_ERRORS}) > 0",
                "{{reason}}",
                SYSTEM,
            ),
        ],
        "none",
        width=12,
        description="Failures of telemetry itself, over the preceding 15 minutes, of the server with the most. "
        f"{_PER_SERVER}",
        no_value="No errors in the selected time range.",
        runbooks=("TelemetryErrors",),
    ),
)

_PROMETHEUS = (
    time_series(
        "Remote write backlog",
        [Query("sum by (remote_name) (prometheus_remote_storage_samples_pending)", "{{remote_name}}", BUSINESS)],
        "none",
        width=12,
        description="Samples that are not yet written to each remote storage. Prometheus keeps them for two hours.",
        no_value="No data from Prometheus about itself, or no remote_write.",
        runbooks=("LongTermStorageBehind",),
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
        description="The five rule files whose groups took longest in total at their last evaluation. The time "
        "must stay well below the evaluation interval.",
        no_value="No data from Prometheus about itself.",
        runbooks=("RuleEvaluationFailing",),
    ),
)

PAGE = Page(
    uid="telemetry",
    title="Telemetry Self-Health",
    audience="Platform Administrators, Operations Team",
    summary="Accuracy and cost of telemetry itself.",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "Cost": _COST, "Accuracy": _ACCURACY, "Prometheus": _PROMETHEUS},
)
