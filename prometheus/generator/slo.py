"""Error budgets: what share of events may fail within 30 days, and how fast the rest of it is used up.

Windows and factors are those of the SRE Workbook, chapter 5, "Alerting on SLOs": at 14.4 times the pace that
uses the budget up in 30 days, an hour takes 2% of it; at 6 times, six hours take 5%; at 3 times, a day takes 10%; at 1
times, three days take 10%. The short window, a twelfth of the long one, ends the alert soon after the errors end.
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .promql import interval, over_instances
from .rules import Alert, Group, Recording, Severity, Subject, Team, Tile
from .thresholds import Thresholds, number

FAST = ((14.4, "1h", "5m"), (6, "6h", "30m"))
SLOW = ((3, "1d", "2h"), (1, "3d", "6h"))
DAYS = 30
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
KNOWN = "35m"
"""How long the fast alert stays silent after an outage that on-call was notified of: the longer of its short windows
contains the outage for 30 minutes, and 5 are a margin."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A percentage of events that must be good, over 30 days.

    name: of its entry in thresholds/, and of the label `slo`.
    alert: how the names of its two alerts begin; without one, it is only recorded.
    team, subject, tile: of its alerts.
    outage: regular expression of the alerts that name the cause of failed events.
    pending_for: how long the fast burn rate must last: at least the `for` of those alerts.
    failed, events: how many there were, with WINDOW for the window.
    what: what an event is, in the plural; failure: what a failed one did.
    title: whose error budget it is, as summaries name it.
    """

    name: str
    failed: str
    events: str
    what: str
    title: str = ""
    alert: str = ""
    team: Team = "integration"
    subject: Subject
    tile: Tile = ""
    outage: str = ""
    failure: str = "failed"
    pending_for: str = "2m"


def _calls(
    *,
    name: str,
    api: str,
    what: str,
    subject: Subject,
    title: str = "",
    alert: str = "",
    outage: str = "",
    pending_for: str = "2m",
) -> Objective:
    """Return an objective of calls. Those that were not made, or whose caller died, have no latency."""
    errors, count = f"api_{api}_errors_total", f"api_{api}_latency_seconds_count"
    not_made = '{status_code_class=~"circuit_open|interrupted"}'
    counted = f"sum(increase({count}[WINDOW]))"
    return Objective(
        name=name,
        failed=f"sum(increase({errors}[WINDOW]))",
        events=f"{counted} + (sum(increase({errors}{not_made}[WINDOW])) or 0 * {counted}) "
        f"or sum(increase({errors}{not_made}[WINDOW]))",
        what=f"calls to {what}",
        title=title,
        alert=alert,
        subject=subject,
        outage=outage,
        pending_for=pending_for,
    )


CORE_DOWN = "(Odoo|N8n|AiService|Postgres)Down"
_PROBES = 'probe_success{critical="true"}[WINDOW]'
_IMAGE = "ai_image_generation_end_to_end_latency_seconds"
_IMAGES = f"sum({over_instances(f'increase({_IMAGE}_count[WINDOW])')})"
_IMAGES_IN_TIME = "sum({})".format(over_instances(f'increase({_IMAGE}_bucket{{le="30.0"}}[WINDOW])'))
OBJECTIVES = (
    _calls(
        name="webhook",
        alert="WebhookErrorBudgetBurn",
        api="odoo_to_n8n_webhook",
        what="n8n's webhook",
        title="n8n webhook",
        subject="webhook",
        outage="(N8n|Postgres)Down",
    ),
    _calls(
        name="callback",
        alert="CallbackErrorBudgetBurn",
        api="n8n_to_odoo_callback",
        what="Odoo's callback",
        title="Odoo callback",
        subject="callback",
        outage="(Odoo|Postgres)Down",
    ),
    _calls(
        name="aiservice",
        alert="AiServiceErrorBudgetBurn",
        api="n8n_to_aiservice",
        what="the AI image service",
        title="AI image service",
        subject="ai_service",
        outage="AiService(Down|ErrorRateHigh)",
        pending_for="6m",
    ),
    _calls(name="kyc", api="external_kyc_service", what="the KYC service", subject="kyc_service"),
    Objective(
        name="platform",
        alert="PlatformAvailabilityBudgetBurn",
        team="platform",
        subject="availability",
        failed=f"sum(count_over_time({_PROBES})) - sum(sum_over_time({_PROBES}))",
        events=f"sum(count_over_time({_PROBES}))",
        what="probes of Odoo, n8n and the AI service",
        title="Platform availability",
        outage=CORE_DOWN,
    ),
    Objective(
        name="image_latency",
        alert="AiImageLatencyBudgetBurn",
        subject="ai_images",
        tile="images",
        failed=f"{_IMAGES} - {_IMAGES_IN_TIME}",
        events=_IMAGES,
        what="AI images",
        title="AI image latency",
        failure="took longer than 30 s",
        outage=CORE_DOWN,
    ),
)


def files(thresholds: Thresholds) -> dict[str, list[Group]]:
    """Return the groups of the error budgets by name of their file."""
    recording = [
        Group(
            f"influencegen-slo-{window}",
            [rule for objective in OBJECTIVES for rule in _recorded(objective, window)],
            interval(window),
        )
        for window in WINDOWS
    ]
    alerts = [alert for objective in OBJECTIVES if objective.alert for alert in _alerts(objective, thresholds)]
    return {"influencegen_slo": [*recording, Group("influencegen-slo-alerts", list(alerts))]}


def _recorded(objective: Objective, window: str) -> tuple[Recording, Recording]:
    """The first calls of a new series are not counted, but failures, which start at 0, are: the ratio is clamped."""
    label = {"slo": objective.name}
    events = f'influencegen:slo_events:increase_{window}{{slo="{objective.name}"}}'
    failed = objective.failed.replace("WINDOW", window)
    return (
        Recording(f"influencegen:slo_events:increase_{window}", objective.events.replace("WINDOW", window), label),
        Recording(
            f"influencegen:slo_errors:ratio_{window}",
            f"clamp_max(({failed} or 0 * sum({events})) / (sum({events}) > 0), 1)",
            label,
        ),
    )


def _alerts(objective: Objective, thresholds: Thresholds) -> Iterator[Alert]:
    promised = thresholds.section("objectives", objective.name, {"good_percent", "minimum_failed"})
    budget, enough = 1 - promised["good_percent"] / 100, promised["minimum_failed"]
    paces: tuple[tuple[str, Severity, tuple[tuple[float, str, str], ...]], ...] = (
        ("Fast", "critical", FAST),
        ("Slow", "warning", SLOW),
    )
    for speed, severity, windows in paces:
        fast = severity == "critical"
        expr = " or ".join(
            f'influencegen:slo_errors:ratio_{long}{{slo="{objective.name}"}} > {number(factor * budget)} '
            f'and influencegen:slo_errors:ratio_{short}{{slo="{objective.name}"}} > {number(factor * budget)} '
            f'and influencegen:slo_errors:ratio_{long}{{slo="{objective.name}"}} '
            f'* influencegen:slo_events:increase_{long}{{slo="{objective.name}"}} >= {number(enough)}'
            for factor, long, short in windows
        )
        if fast:
            known = f'ALERTS{{alertname=~"{objective.outage}", alertstate="firing"}}'
            expr = f"({expr}) unless on () count(max_over_time({known}[{KNOWN}]))"
        yield Alert(
            name=f"{objective.alert}{speed}",
            severity=severity,
            team=objective.team,
            subject=objective.subject,
            tile=objective.tile,
            pair=f"{objective.name}_error_budget",
            expr=expr,
            summary=f"{objective.title} error budget: {speed.lower()} burn",
            description=f"{{{{ $value | humanizePercentage }}}} of the {objective.what} {objective.failure} over the "
            f"last {'hour' if fast else 'day'} (or over the last {'6 hours' if fast else '3 days'}, if only that "
            f"window burns too fast); the 30-day error budget is {number(100 * budget)}%. At this rate it is used up "
            f"within {number(DAYS / windows[-1][0])} days.",
            dashboard="slo",
            pending_for=objective.pending_for if fast else "15m",
            part="influencegen",
        )
