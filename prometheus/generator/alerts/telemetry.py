"""Alerts about the exporter in Odoo, and about its ledger of facts."""

from ..rules import Alert
from .parts import DATABASE, DURATION, INSTANCE, WHOLE, age

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
        description=f"Values of the label {{{{ $labels.label }}}} of {INSTANCE} were aggregated as `other` {WHOLE} "
        "times in the last hour.",
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
        summary="More than <above> telemetry errors in 15 minutes",
        description=f"{INSTANCE} counted {WHOLE} telemetry errors with the reason {{{{ $labels.reason }}}} in "
        "the last 15 minutes: values are missing or outdated.",
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
        summary="Business metric differs from the database",
        description=f"The last complete audit found {WHOLE} rows that {{{{ $labels.fact }}}} counts wrongly in the "
        f"database {DATABASE}: not counted, or deleted while the trigger did not run. The metric is off by up to "
        "that number.",
        dashboard="telemetry",
    ),
    # an instance exports the thresholds of each of its databases, even of one that it has never read
    Alert(
        name="TelemetryReadingStale",
        severity="warning",
        team="platform",
        subject="telemetry",
        tile="telemetry",
        expr=f"max by (instance, database) ({_AGE}) > <above_seconds> "
        "or 0 * max by (instance, database) (odoo_telemetry_threshold) - 1 "
        f"unless on (instance, database) {_AGE}",
        summary="Odoo metrics from the database are stale",
        description=f"{{{{ if lt $value 0.0 }}}}{INSTANCE} has never read the database {DATABASE}"
        f"{{{{ else }}}}{INSTANCE} has not read the database {DATABASE} for {DURATION}; the threshold is "
        "<above_seconds>{{ end }}. Gauges on dashboards, and alerts on them, are outdated.",
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
        summary="Telemetry audit not completed for <above_days>",
        description=age(
            f"The last complete audit of a business metric in the database {DATABASE} ended {DURATION} ago; the "
            "threshold is <above_days>",
            f"No audit of a business metric in the database {DATABASE} has completed yet",
        )
        + ". Differences between counters and rows are not detected.",
        dashboard="telemetry",
    ),
    Alert(
        name="TelemetryLedgerBacklog",
        severity="warning",
        team="platform",
        subject="ledger",
        tile="telemetry",
        expr="max by (database) (odoo_telemetry_ledger_backlog) > <above_entries>",
        summary="Telemetry ledger backlog above <above_entries> entries",
        description=f"{WHOLE} entries of the telemetry ledger of the database {DATABASE} are not yet added to totals; "
        "the threshold is <above_entries>. Counters stay correct, but each scrape takes longer.",
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
        summary="Database restored to an older state",
        description=f"In the last hour, the database {DATABASE} held {WHOLE} rows fewer than its counters had counted: "
        "it was restored, or failed over to a standby that lagged. The counters still include the lost rows.",
        dashboard="telemetry",
    ),
)
