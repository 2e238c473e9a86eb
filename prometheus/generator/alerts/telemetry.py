"""Alerts about the exporter in Odoo, and about its ledger of facts."""

from ..rules import Alert
from .parts import DATABASE, DURATION, INSTANCE, ONE, WHOLE

_AGE = "odoo_telemetry_database_read_age_seconds"

ALERTS = (
    Alert(
        name="LabelOverflow",
        severity="warning",
        team="platform",
        subject="telemetry",
        tile="telemetry",
        expr="sum by (instance, label) (increase(odoo_telemetry_labels_folded_total[1h])) > <above>",
        summary="Label values over the limit",
        description=f"{WHOLE} values of the label {{{{ $labels.label }}}} of {INSTANCE} became `other` in the last "
        f"hour.",
        dashboard="telemetry",
        keep_firing_for="1h",
    ),
    Alert(
        name="TelemetryErrors",
        severity="warning",
        team="platform",
        subject="telemetry",
        tile="telemetry",
        expr="sum by (instance, reason) (increase(odoo_telemetry_errors_total[15m])) > <above>",
        summary="More than <above> errors of telemetry in 15 minutes",
        description=f"{WHOLE} errors of kind {{{{ $labels.reason }}}} in {INSTANCE} in the last 15 minutes: "
        "values are missing or old.",
        dashboard="telemetry",
        keep_firing_for="15m",
    ),
    Alert(
        name="TelemetryDisagreesWithDatabase",
        severity="critical",
        team="platform",
        subject="ledger",
        tile="telemetry",
        expr="max by (database, fact) (odoo_telemetry_audit_missing_rows + odoo_telemetry_audit_extra_rows) > "
        "<above_rows>",
        summary="Ledger of facts differs from the database",
        description=f"{WHOLE} rows of {{{{ $labels.fact }}}} in the database {DATABASE} are missing in the "
        "ledger or no longer there, by the last complete audit; more than <above_rows> is a "
        "difference. The metric is wrong by up to as many.",
        dashboard="telemetry",
    ),
    # each instance that exports a database exports its thresholds, even those that were never read from it
    Alert(
        name="TelemetryReadingStale",
        severity="warning",
        team="platform",
        subject="telemetry",
        tile="telemetry",
        expr=f"max by (instance, database) ({_AGE}) > <above_seconds> or min by (instance, database) ({_AGE}) < 0 "
        "or 0 * max by (instance, database) (odoo_telemetry_threshold) - 1 "
        f"unless on (instance, database) {_AGE}",
        summary="Database reading older than <above_seconds> s",
        description=f"{{{{ if lt $value 0.0 }}}}{INSTANCE} has no reading of the database {DATABASE}, or one "
        f"with an age below 0 ({ONE} s){{{{ else }}}}The reading of the database {DATABASE} by "
        f"{INSTANCE} is {DURATION} old{{{{ end }}}}; more than <above_seconds> s is stale. Alerts "
        "and dashboards that use it show an earlier state.",
        dashboard="telemetry",
        keep_firing_for="5m",
    ),
    # one alert for all facts: they share one audit
    Alert(
        name="TelemetryAuditStale",
        severity="warning",
        team="platform",
        subject="ledger",
        tile="telemetry",
        expr="time() - min by (database) (max by (database, fact) "
        "(odoo_telemetry_audit_completed_timestamp_seconds)) > 86400 * <above_days>",
        summary="Audit of the ledger not complete for <above_days> days",
        description=f"The last complete audit of a fact in the database {DATABASE} ended {DURATION} ago; more "
        "than <above_days> days is stale, and decades mean that none has ended. Differences "
        "between counters and rows are not detected.",
        dashboard="telemetry",
    ),
    Alert(
        name="TelemetryLedgerBacklog",
        severity="warning",
        team="platform",
        subject="ledger",
        tile="telemetry",
        expr="max by (database) (odoo_telemetry_ledger_backlog) > <above_entries>",
        summary="More than <above_entries> ledger entries not rolled up",
        description=f"{WHOLE} entries of the ledger in the database {DATABASE} are not rolled up; more than "
        "<above_entries> is a backlog. Counters stay right, and each scrape takes longer.",
        dashboard="telemetry",
        keep_firing_for="15m",
    ),
    Alert(
        name="TelemetryDatabaseRestored",
        severity="warning",
        team="platform",
        subject="ledger",
        tile="telemetry",
        expr="telemetry:facts_carried_over:increase_1h > <above_facts>",
        summary="Database older than its counters",
        description=f"The database {DATABASE} held {WHOLE} facts fewer than its counters when it was read in "
        "the last hour; more than <above_facts> is a restore. The counters include what the "
        "restore removed.",
        dashboard="telemetry",
    ),
)
