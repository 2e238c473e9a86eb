"""SLO and Error Budget: are the objectives met, and how much of the error budgets is left?"""

from grafana_foundation_sdk.models.dashboard import Threshold

from .. import limits, variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, WARNING
from ..panels import bar_gauge, firing, stat, time_series
from ..queries import BUSINESS, LONG_TERM, Query
from . import SERVICES

_DAY = "1d"
_EVENTS = {
    "webhook": "calls of n8n's webhook",
    "callback": "calls of Odoo's callback",
    "aiservice": "calls of the AI service",
    "platform": "probes of the platform",
    "image_latency": "images within 30 s",
    "kyc": "calls of the KYC service",
}
"""In this order in all panels, so that each has the same colour."""
_OBJECTIVES = sorted(
    limits.objectives(),
    key=lambda objective: list(_EVENTS).index(objective.name),
)
_SERVICES = {"odoo": "Odoo", "n8n": "n8n", "aiservice": "AI service", "kyc": "KYC service"}


def _budget(objective: limits.Objective) -> str:
    """Return the share of events that may fail."""
    return f"{1 - limits.objective(objective.name) / 100:.4g}"


def _left(objective: limits.Objective) -> str:
    """Return what is left of a budget, in percent: 30 days of minutes with failures and events, as far as there are."""
    failed, events = (
        f'influencegen:slo_{what}_5m{{slo="{objective.name}"}}' for what in ("errors:ratio", "events:increase")
    )
    spent = f"sum_over_time(({failed} * {events})[30d:1m]) / (sum_over_time({events}[30d:1m]) > 0)"
    return f"clamp_min(100 * (1 - {spent} / {_budget(objective)}), 0)"


_BURN_COLOURS = [
    Threshold(value=None, color=GOOD),
    Threshold(value=limits.SLOW_BURN, color=WARNING),
    Threshold(value=limits.FAST_BURN, color=CRITICAL),
]
_BURN = [f"{objective.alert}{speed}" for objective in _OBJECTIVES for speed in ("Fast", "Slow")]

_OVERVIEW = (
    firing(
        "Burn rate alerts",
        'alertname=~".*BudgetBurn.*"',
        width=6,
        height=8,
        spec="not in it; the alerts of system.availability.percentage and of the SLAs of the calls",
        description="Firing alerts about error budgets. Each has a runbook.",
        runbooks=[name for name in _BURN if name.endswith("Slow")],
    ),
    stat(
        "Availability (30 d)",
        Query("telemetry:system_availability:percent_30d", interval=BUSINESS),
        "percent",
        width=6,
        height=8,
        spec="system.availability.percentage",
        description="Share of the probes of Odoo, n8n and the AI service that succeeded, over 30 days or the "
        "retention of Prometheus. The target is 99.9%.",
        no_value="No probe was made: look at the targets of blackbox_exporter.",
        decimals=3,
        objective="platform",
        links={"Odoo": "odoo-system-health"},
    ),
    bar_gauge(
        "Remaining error budget (30 d)",
        [Query(_left(objective), _EVENTS[objective.name], BUSINESS) for objective in _OBJECTIVES],
        "percent",
        maximum=100,
        spec="the SLA of system.availability.percentage, of the api.* metrics and of "
        "ai.image_generation.end_to_end_latency_seconds",
        description="Over 30 days, or the retention of Prometheus. At 0% the objective is missed: take no risks until "
        "it has recovered. See docs/rules.md.",
        no_value="No such event in this time.",
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
        spec="the SLAs, as for the panel above",
        description=f"Over the last hour. At 1 a budget lasts 30 days; at {limits.FAST_BURN} an hour uses 2% of it, "
        "which is critical. Look at the failed calls.",
        no_value="No such event in this time.",
        colours=_BURN_COLOURS,
        runbooks=[name for name in _BURN if name.endswith("Fast")],
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
        spec="the SLAs, as for the panel above",
        description="Share of each kind of event that failed in the hour before each moment. The KYC service has no "
        "objective here: its provider has an SLA.",
        no_value="No such event in this time.",
    ),
)

_ERRORS = (
    time_series(
        "Availability by service",
        [
            Query(f'100 * avg(avg_over_time(probe_success{{service_name="{service}"}}[$__rate_interval]))', name)
            for service, name in _SERVICES.items()
        ],
        "percent",
        width=12,
        spec="system.availability.percentage, its parts",
        description="Share of the probes of each service that succeeded.",
        no_value="No probe was made: look at blackbox_exporter.",
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
        spec="not in it; the events of the ratios above",
        description="In the hour before each moment. With few events, a single failure is a large share.",
        no_value="No such event in this time.",
    ),
    time_series(
        "Availability per day (90 d)",
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
        description="By day, over 90 days whatever the time range of the page.",
        no_value="A day is shown when it is complete, and the first is not yet.",
        objective="platform",
    ),
)

_BACKUPS = (
    stat(
        "Backup success (24 h)",
        Query("influencegen:system_backup_job_success_rate:percent_24h", interval=BUSINESS),
        "percent",
        width=12,
        height=8,
        spec="system.backup.job_success_rate",
        description="Share of the backup jobs of the last 24 hours whose backup was restored and compared. All must "
        "succeed.",
        no_value="No backup job ended in the last 24 hours.",
        decimals=0,
        alerts=("BackupJobFailed",),
    ),
    bar_gauge(
        "Age of the last backup",
        [
            Query(
                "time() - (max by (backup) (backup_last_success_timestamp_seconds) > 0)",
                "{{backup}}",
                BUSINESS,
            )
        ],
        "s",
        spec="not in it; the period whose data would be lost with PostgreSQL",
        description="Age of the last good backup of each kind.",
        no_value="There is no good backup yet, or its exporter is not scraped.",
        runbooks=("BackupMissing",),
    ),
)

PAGE = Page(
    uid="slo",
    title="SLO and Error Budget",
    audience="Platform Administrators, Operations Team, Platform Management",
    summary="Are the objectives met, and how much of the error budgets is left?",
    refresh="1m",
    time_range="24h",
    team=".*",
    services=SERVICES,
    variables=(variables.long_term, variables.objective),
    rows={"Overview": _OVERVIEW, "Burn rate": _RATES, "Errors and events": _ERRORS, "Backups": _BACKUPS},
)
