"""SLO and error budget: is what was promised kept, and how much may still go wrong?"""

from grafana_foundation_sdk.models.dashboard import Threshold

from prometheus.generator.slo import FAST, OBJECTIVES, SLOW

from . import limits, variables
from .frame import Page
from .palette import CRITICAL, GOOD, WARNING
from .panels import bars, figure, firing, series
from .queries import BUSINESS, LONG_TERM, Query

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
_PROMISED = sorted(
    (objective for objective in OBJECTIVES if objective.alert),
    key=lambda objective: list(_EVENTS).index(objective.name),
)
_SERVICES = {"odoo": "Odoo", "n8n": "n8n", "aiservice": "the AI service", "kyc": "the KYC service"}


def _budget(objective):
    """What share of events may fail."""
    return f"{1 - limits.objective(objective.name) / 100:.4g}"


def _left(objective):
    """What is left of a budget, in percent: failures and events of each minute of 30 days, as far as there are any."""
    failed, events = (
        f'influencegen:slo_{what}_5m{{slo="{objective.name}"}}' for what in ("errors:ratio", "events:increase")
    )
    spent = f"sum_over_time(({failed} * {events})[30d:1m]) / (sum_over_time({events}[30d:1m]) > 0)"
    return f"clamp_min(100 * (1 - {spent} / {_budget(objective)}), 0)"


_PACE_COLOURS = [
    Threshold(value=None, color=GOOD),
    Threshold(value=SLOW[1][0], color=WARNING),
    Threshold(value=FAST[0][0], color=CRITICAL),
]
_BURN = [f"{objective.alert}{speed}" for objective in _PROMISED for speed in ("Fast", "Slow")]

_FIRST = (
    firing(
        "Budgets that are used up too fast",
        'alertname=~".*BudgetBurn.*"',
        width=6,
        height=8,
        spec="not in it; the alerts of system.availability.percentage and of the SLAs of the calls",
        says="How many alerts about error budgets fire. Each has a runbook.",
        runbooks=[name for name in _BURN if name.endswith("Slow")],
    ),
    figure(
        "The platform is up",
        Query("telemetry:system_availability:percent_30d", every=BUSINESS),
        "percent",
        width=6,
        height=8,
        spec="system.availability.percentage",
        says="Of the probes of Odoo, n8n and the AI service, how many were answered, over 30 days or as long as "
        "Prometheus keeps. The target is 99.9 %.",
        empty="No probe was made: look at the targets of blackbox_exporter.",
        decimals=3,
        objective="platform",
        more={"Odoo": "odoo-system-health"},
    ),
    bars(
        "How much of each error budget is left?",
        [Query(_left(objective), _EVENTS[objective.name], BUSINESS) for objective in _PROMISED],
        "percent",
        most=100,
        spec="the SLA of system.availability.percentage, of the api.* metrics and of "
        "ai.image_generation.end_to_end_latency_seconds",
        says="100 % is a budget of which nothing was used in 30 days, or as long as Prometheus keeps. At 0 % what was "
        "promised is broken: no risk is taken any more until it has recovered. See docs/rules.md.",
        empty="Nothing of the kind happened in this time.",
        colours=[
            Threshold(value=None, color=CRITICAL),
            Threshold(value=0.001, color=WARNING),
            Threshold(value=25, color=GOOD),
        ],
    ),
)

_PACE = (
    series(
        "How fast are the budgets used up?",
        [
            Query(
                f'influencegen:slo_errors:ratio_1h{{slo="{objective.name}", slo=~"$slo"}} / {_budget(objective)}',
                _EVENTS[objective.name],
                BUSINESS,
            )
            for objective in _PROMISED
        ],
        "none",
        width=12,
        spec="the SLAs, as for the panel above",
        says=f"Over the last hour. At 1 a budget lasts for just 30 days; at {FAST[0][0]} an hour takes 2 % of it, and "
        "somebody is woken. Look at the calls that fail.",
        empty="Nothing of the kind happened in this time.",
        colours=_PACE_COLOURS,
        runbooks=[name for name in _BURN if name.endswith("Fast")],
        more={"Calls": "n8n-ai-integration-performance"},
    ),
    series(
        "What share fails?",
        [
            Query(f'100 * influencegen:slo_errors:ratio_1h{{slo="{name}", slo=~"$slo"}}', text, BUSINESS)
            for name, text in _EVENTS.items()
        ],
        "percent",
        width=12,
        spec="the SLAs, as for the panel above",
        says="Of each kind of event, how many percent failed in the hour before each moment. What the KYC service "
        "promises is its provider's business.",
        empty="Nothing of the kind happened in this time.",
    ),
)

_WHAT = (
    series(
        "Who did not answer?",
        [
            Query(f'100 * avg(avg_over_time(probe_success{{service_name="{service}"}}[$__rate_interval]))', name)
            for service, name in _SERVICES.items()
        ],
        "percent",
        width=12,
        spec="system.availability.percentage, what it is made of",
        says="Probes that each service answered.",
        empty="No probe was made: look at blackbox_exporter.",
        runbooks=("OdooDown", "N8nDown", "AiServiceDown", "KycServiceDown"),
    ),
    series(
        "How many events is that?",
        [
            Query(f'influencegen:slo_events:increase_1h{{slo="{name}", slo=~"$slo"}}', text, BUSINESS)
            for name, text in _EVENTS.items()
        ],
        "none",
        width=12,
        spec="not in it; what the shares above are of",
        says="In the hour before each moment. Of few events, one that fails is a large share.",
        empty="Nothing of the kind happened in this time.",
    ),
    series(
        "Was the platform up, over 90 days?",
        [
            Query(
                "min_over_time(tier:system_availability:avg[$__interval])",
                "worst hour of the day",
                _DAY,
                source=LONG_TERM,
            ),
            Query("avg_over_time(tier:system_availability:avg[$__interval])", "the day", _DAY, source=LONG_TERM),
        ],
        "percent",
        width=24,
        since="90d",
        step=_DAY,
        least=None,
        spec="system.availability.percentage",
        says="By day, over 90 days whatever time the page shows.",
        empty="A day is shown when it is over, and the first is not.",
        objective="platform",
    ),
)

PAGE = Page(
    uid="slo",
    title="SLO and Error Budget",
    audience="Platform Administrators, Operations Team, Platform Management",
    answers="Is what was promised kept, and how much may still go wrong?",
    refresh="1m",
    shows="24h",
    team=".*",
    choices=(variables.long_term, variables.objective),
    rows={"Is it all right?": _FIRST, "How fast do things go wrong?": _PACE, "What goes wrong?": _WHAT},
)
