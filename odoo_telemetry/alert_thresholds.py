"""Thresholds of the alerts on tiles of the overview: `make rules` takes them from prometheus/thresholds/."""

THRESHOLDS = {
    "OdooRequestQueueLong": {"above": 10},
    "OdooRequestsRefused": {"above": 0},
    "OdooConnectionPoolExhausted": {"above": 0},
    "OdooBrowserErrorsHigh": {"above_per_minute": 5},
    "OdooPagesBlank": {"above": 3},
    "OdooCacheHitRatioLow": {"below_percent": 80, "minimum_lookups_per_minute": 600},
    "OdooJobsFailing": {"above_percent": 50},
    "OdooCronOverdue": {"above_intervals": 1, "above_seconds": 300},
    "OdooCronDeactivated": {"above": 0},
    "OdooQueueJobsBehind": {"above_seconds": 900},
    "OdooQueueJobsFailing": {"above_percent": 50, "minimum_failures": 3},
    "OdooMailQueueStuck": {"above_seconds": 7200},
    "LabelOverflow": {"above": 0},
    "TelemetryErrors": {"above": 5},
    "TelemetryDisagreesWithDatabase": {"above_rows": 0},
    "TelemetryReadingStale": {"above_seconds": 300},
    "TelemetryAuditStale": {"above_days": 2},
    "TelemetryLedgerBacklog": {"above_entries": 50000},
    "TelemetryDatabaseRestored": {"above_facts": 0},
    "ScrapeSlow": {"above_seconds": 3},
}
