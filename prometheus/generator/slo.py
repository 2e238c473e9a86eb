"""Error budgets: what share of events may fail within 30 days, and how fast the rest of it is used up.

Windows and factors are those of the SRE Workbook, chapter 5, "Alerting on SLOs": at 14.4 times the pace that
uses the budget up in 30 days, an hour takes 2 % of it; at 6 times, six hours take 5 %; at 3 times, a day takes 10 %; at
once, three days take 10 %. The short window, a twelfth of the long one, ends the alert soon after the errors end.
https://sre.google/workbook/alerting-on-slos/
"""

from dataclasses import dataclass

from .alerts import BUDGETS, CRITICAL, WARNING
from .promql import interval, over_instances
from .rules import Alert, Group, Recording
from .thresholds import Thresholds, number

FAST = ((14.4, "1h", "5m"), (6, "6h", "30m"))
SLOW = ((3, "1d", "2h"), (1, "3d", "6h"))
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
KNOWN = "35m"
"""For how long an outage that on-call was told of explains what it used of a budget: the longer of the short windows
remembers it for 30 minutes."""


@dataclass(frozen=True)
class Objective:
    """What is promised of events.

    name: of its entry in thresholds.yml, and of the label `slo`.
    alert: how the names of its two alerts begin; without one, it is only recorded.
    outage: the alerts, as a regular expression, that say better why events fail.
    lasting: for how long the fast pace must last; longer than what says better needs to fire.
    failed, events: how many there were, with WINDOW for the window.
    what: what an event is, in the plural.
    """

    name: str
    alert: str
    team: str
    failed: str
    events: str
    what: str
    outage: str = ""
    lasting: str = "2m"


def _calls(name, alert, api, who, outage="", lasting="2m"):
    """Calls that were not made, or whose maker died, have no latency."""
    errors, count = f"api_{api}_errors_total", f"api_{api}_latency_seconds_count"
    not_made = '{status_code_class=~"circuit_open|interrupted"}'
    counted = f"sum(increase({count}[WINDOW]))"
    return Objective(
        name,
        alert,
        "integration",
        f"sum(increase({errors}[WINDOW]))",
        f"{counted} + (sum(increase({errors}{not_made}[WINDOW])) or 0 * {counted}) "
        f"or sum(increase({errors}{not_made}[WINDOW]))",
        f"calls to {who}",
        outage,
        lasting,
    )


CORE_DOWN = "(Odoo|N8n|AiService|Postgres)Down"
_PROBES = 'probe_success{critical="true"}[WINDOW]'
_IMAGE = "ai_image_generation_end_to_end_latency_seconds"
_IMAGES = f"sum({over_instances(f'increase({_IMAGE}_count[WINDOW])')})"
_IMAGES_IN_TIME = "sum({})".format(over_instances(f'increase({_IMAGE}_bucket{{le="30.0"}}[WINDOW])'))
OBJECTIVES = (
    _calls("webhook", "WebhookErrorBudgetBurn", "odoo_to_n8n_webhook", "n8n's webhook", "(N8n|Postgres)Down"),
    _calls("callback", "CallbackErrorBudgetBurn", "n8n_to_odoo_callback", "Odoo's callback", "(Odoo|Postgres)Down"),
    _calls(
        "aiservice",
        "AiServiceErrorBudgetBurn",
        "n8n_to_aiservice",
        "the AI image service",
        "AiService(Down|ErrorRateHigh)",
        "6m",
    ),
    _calls("kyc", "", "external_kyc_service", "the KYC service"),
    Objective(
        "platform",
        "PlatformAvailabilityBudgetBurn",
        "platform",
        f"sum(count_over_time({_PROBES})) - sum(sum_over_time({_PROBES}))",
        f"sum(count_over_time({_PROBES}))",
        "probes of Odoo, n8n and the AI service",
        CORE_DOWN,
    ),
    Objective(
        "image_latency",
        "AiImageLatencyBudgetBurn",
        "integration",
        f"{_IMAGES} - {_IMAGES_IN_TIME}",
        _IMAGES,
        "AI images within 30 s",
        CORE_DOWN,
    ),
)


def files(thresholds: Thresholds) -> dict[str, list[Group]]:
    """Return the groups of the error budgets by name of their file."""
    recording = [
        Group(
            f"slo-{window}",
            [rule for objective in OBJECTIVES for rule in _recorded(objective, window)],
            interval(window),
        )
        for window in WINDOWS
    ]
    alerts = [alert for objective in OBJECTIVES if objective.alert for alert in _alerts(objective, thresholds)]
    return {"slo": [*recording, Group("slo-alerts", alerts)]}


def _recorded(objective, window):
    """A young series of calls hides its first ones, and one of failures, which begins at 0, does not: 1 is the most."""
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


def _alerts(objective, thresholds):
    promised = thresholds.section("objectives", objective.name, {"good_percent", "minimum_failed"})
    budget, enough = 1 - promised["good_percent"] / 100, promised["minimum_failed"]
    for speed, severity, pairs in (("Fast", CRITICAL, FAST), ("Slow", WARNING, SLOW)):
        expr = " or ".join(
            f'influencegen:slo_errors:ratio_{long}{{slo="{objective.name}"}} > {number(factor * budget)} '
            f'and influencegen:slo_errors:ratio_{short}{{slo="{objective.name}"}} > {number(factor * budget)} '
            f'and influencegen:slo_errors:ratio_{long}{{slo="{objective.name}"}} '
            f'* influencegen:slo_events:increase_{long}{{slo="{objective.name}"}} >= {number(enough)}'
            for factor, long, short in pairs
        )
        if severity == CRITICAL:
            known = f'ALERTS{{alertname=~"{objective.outage}", alertstate="firing"}}'
            expr = f"({expr}) unless on () count(max_over_time({known}[{KNOWN}]))"
        yield Alert(
            f"{objective.alert}{speed}",
            severity,
            objective.team,
            expr,
            f"The error budget is being used up {'fast' if speed == 'Fast' else 'steadily'}: {objective.what}",
            f"{{{{ $value | humanizePercentage }}}} of the {objective.what} failed; "
            f"{number(promised['good_percent'])} % must succeed over 30 days.",
            BUDGETS,
            lasting=objective.lasting if speed == "Fast" else "15m",
        )
