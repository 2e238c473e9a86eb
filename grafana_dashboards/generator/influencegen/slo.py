"""SLO and Error Budget: objectives, remaining error budgets, burn rates and backups."""

from grafana_foundation_sdk.models.dashboard import Threshold

from .. import limits, variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, WARNING
from ..panels import bar_gauge, firing, stat, time_series
from ..queries import BUSINESS, LONG_TERM, Query
from . import SERVICES

_DAY = "1d"
_EVENTS = {
    "webhook": "webhook",
    "callback": "callback",
    "aiservice": "AI service",
    "platform": "availability",
    "image_latency": "image latency",
    "kyc": "KYC service",
}
"""In this order in all panels, so that each has the same colour."""
_OBJECTIVES = sorted(
    limits.objectives(),
    key=lambda objective: list(_EVENTS).index(objective.name),
)
_BACKUP_AGE = (
    "(time() - max by (backup) (backup_last_success_timestamp_seconds)) / max by (backup) (backup_schedule_seconds)"
)
_NO_BACKUP = "No data from the backup exporter: see Telemetry Self-Health, Targets down."
_SERVICES = {"odoo": "Odoo", "n8n": "n8n", "aiservice": "AI service", "kyc": "KYC service"}


def _budget(objective: limits.Objective) -> str:
    """Return the share of events that may fail."""
    return f"{1 - limits.objective(objective.name) / 100:.4g}"


def _left(objective: limits.Objective) -> str:
    """Return what is left of a budget over 30 days, in percent."""
    failed, events = (
        f'sum(sum_over_time(tier:slo_{what}:increase{{slo="{objective.name}", slo=~"$slo"}}[30d]))'
        for what in ("failed", "events")
    )
    return f"clamp_min(100 * (1 - {failed} / ({events} > 0) / {_budget(objective)}), 0)"


_BURN_COLOURS = [
    Threshold(value=None, color=GOOD),
    Threshold(value=limits.SLOW_BURN, color=WARNING),
    Threshold(value=limits.FAST_BURN, color=CRITICAL),
]
_FAST, _SLOW = ([f"{objective.alert}{speed}" for objective in _OBJECTIVES] for speed in ("Fast", "Slow"))
_NO_EVENT = "No events for the selected objectives in the selected time range."
_NO_PROBE = "No probes: check the blackbox_exporter targets."
_NO_HOUR = "No complete hour yet in the long-term storage."
_MEANING = (
    "Failures are failed calls (webhook, callback, AI service), failed probes (availability), and images that took "
    "longer than 30 s (image latency)."
)

_OVERVIEW = (
    firing(
        "Burn rate alerts",
        'alertname=~".*BudgetBurn.*", pair=~"($slo)_error_budget"',
        width=5,
        height=8,
        description="Firing alerts about the error budgets of the selected objectives. Each has a runbook.",
        runbooks=[*_FAST, *_SLOW],
    ),
    stat(
        "Availability (30 d)",
        Query("avg_over_time(tier:system_availability:avg[30d])", interval=_DAY, source=LONG_TERM),
        "percent",
        width=5,
        height=8,
        spec="system.availability.percentage",
        description="Share of the probes of Odoo, n8n and the AI service that succeeded in the last 30 days, from the "
        "long-term storage: up to an hour behind. The target is 99.9%. Ignores the variable Objective.",
        no_value=_NO_HOUR,
        decimals=3,
        objective="platform",
        links={"Odoo": "odoo-system-health"},
    ),
    stat(
        "Backup age, in intervals",
        Query(f"max({_BACKUP_AGE})", interval=BUSINESS),
        "none",
        width=5,
        height=8,
        description="Time since the last successful backup, as a multiple of its scheduled interval, for the backup "
        "furthest behind. Below 1 all backups are on schedule. Ignores the variable Objective.",
        no_value=_NO_BACKUP,
        decimals=1,
        alerts=("BackupMissing",),
    ),
    bar_gauge(
        "Remaining error budget (30 d)",
        [Query(_left(objective), _EVENTS[objective.name], _DAY, source=LONG_TERM) for objective in _OBJECTIVES],
        "percent",
        width=9,
        maximum=100,
        description="Remaining share of each 30-day error budget, from the long-term storage: up to an hour behind. "
        f"{_MEANING} At 0% the objective is missed: freeze risky changes until it recovers.",
        no_value=_NO_HOUR,
        colours=[
            Threshold(value=None, color=CRITICAL),
            Threshold(value=0.001, color=WARNING),
            Threshold(value=25, color=GOOD),
        ],
    ),
)

_RATES = (
    time_series(
        "Burn rate (1 h)",
        [
            Query(
                f'influencegen:slo_errors:ratio_1h{{slo="{objective.name}", slo=~"$slo"}} / {_budget(objective)}',
                _EVENTS[objective.name],
                BUSINESS,
            )
            for objective in _OBJECTIVES
        ],
        "none",
        width=12,
        description=f"How fast each error budget is spent, over the preceding hour. At 1, a budget lasts 30 days; at "
        f"{limits.FAST_BURN}, one hour uses 2% of it, which is critical: check the failed calls.",
        no_value=_NO_EVENT,
        colours=_BURN_COLOURS,
        runbooks=_FAST,
        links={"Calls": "n8n-ai-integration-performance"},
    ),
    time_series(
        "Error ratio (1 h)",
        [
            Query(f'100 * influencegen:slo_errors:ratio_1h{{slo="{name}", slo=~"$slo"}}', text, BUSINESS)
            for name, text in _EVENTS.items()
        ],
        "percent",
        width=12,
        soft=(0, 1),
        description=f"Failures as a share of all events, over the preceding hour. {_MEANING} Calls to the KYC service "
        "have no objective; its provider has an SLA.",
        no_value=_NO_EVENT,
    ),
    time_series(
        "Availability by service",
        [
            Query(f'100 * avg(avg_over_time(probe_success{{service_name="{service}"}}[$__rate_interval]))', name)
            for service, name in _SERVICES.items()
        ],
        "percent",
        width=12,
        minimum=None,
        maximum=100,
        soft=(95, 100),
        spec="system.availability.percentage",
        description="Share of the probes of each service that succeeded. Ignores the variable Objective.",
        no_value=_NO_PROBE,
        runbooks=("OdooDown", "N8nDown", "AiServiceDown", "KycServiceDown"),
    ),
    time_series(
        "Events per hour",
        [
            Query(f'influencegen:slo_events:increase_1h{{slo="{name}", slo=~"$slo"}}', text, BUSINESS)
            for name, text in _EVENTS.items()
        ],
        "none",
        width=12,
        description="Calls, probes and images that the error ratios count, over the preceding hour. With few of "
        "them, a single failure is a large share.",
        no_value=_NO_EVENT,
    ),
)

_TREND = (
    time_series(
        "Availability per day",
        [
            Query(
                "min_over_time(tier:system_availability:avg[$__interval])",
                "worst hour",
                _DAY,
                source=LONG_TERM,
            ),
            Query("avg_over_time(tier:system_availability:avg[$__interval])", "mean", _DAY, source=LONG_TERM),
        ],
        "percent",
        width=24,
        last="90d",
        step=_DAY,
        minimum=None,
        spec="system.availability.percentage",
        description="Mean and worst hour of each day. Last 90 days; ignores the dashboard time range and the "
        "variable Objective.",
        no_value="No complete day yet: the first appears after midnight UTC.",
        objective="platform",
    ),
)

_BACKUPS = (
    stat(
        "Backup success rate (24 h)",
        Query("influencegen:system_backup_job_success_rate:percent_24h", interval=BUSINESS),
        "percent",
        width=12,
        height=8,
        spec="system.backup.job_success_rate",
        description="Share of the backup jobs of the last 24 hours whose backup was verified. All must succeed. "
        "Ignores the variable Objective.",
        no_value="No backup jobs completed in the last 24 hours.",
        decimals=0,
        alerts=("BackupJobFailed",),
    ),
    bar_gauge(
        "Backup age by kind, in intervals",
        [Query(_BACKUP_AGE, "{{backup}}", BUSINESS)],
        "none",
        description="Time since the last successful backup of each kind, as a multiple of its scheduled interval. "
        "A value in the thousands means that there is no successful backup. Ignores the variable Objective.",
        no_value=_NO_BACKUP,
        decimals=1,
        alerts=("BackupMissing",),
        runbooks=("BackupAttachmentsUnlisted",),
    ),
)

PAGE = Page(
    uid="slo",
    title="SLO and Error Budget",
    audience="Platform Administrators, Operations Team, Platform Management",
    summary="Objectives, remaining error budgets, burn rates and backups.",
    refresh="1m",
    time_range="24h",
    team=".*",
    services=SERVICES,
    variables=(variables.long_term, variables.objective),
    rows={"Overview": _OVERVIEW, "Burn rate and errors": _RATES, "90-day trend": _TREND, "Backups": _BACKUPS},
)
