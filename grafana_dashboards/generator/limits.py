"""What the dashboards take from the rules: the thresholds that alerts compare with, objectives, and runbooks.

No other module here but fleet imports prometheus.generator.
"""

from collections.abc import Sequence
from functools import cache

from grafana_foundation_sdk.models.dashboard import Threshold

from prometheus.generator.generate import alerts_in, files
from prometheus.generator.promql import CLIENTS
from prometheus.generator.rules import Alert
from prometheus.generator.slo import FAST, OBJECTIVES, SLOW, Objective
from prometheus.generator.thresholds import ThresholdError, Thresholds, read

from .palette import CRITICAL, GOOD, WARNING

__all__ = ["CLIENTS", "Objective", "ThresholdError"]

LEAST = 0.001
"""The smallest value above 0: an alert above 0 does not fire at 0."""

FAST_BURN, SLOW_BURN = FAST[0][0], SLOW[1][0]
"""The burn rates, as multiples of that at which an error budget lasts 30 days: critical, and warning."""

_COLOURS = {"critical": CRITICAL, "warning": WARNING}
_Limit = tuple[str, float, str]
"""The side on which an alert fires (`above` or `below`), its threshold, and its severity."""


@cache
def _thresholds() -> Thresholds:
    return Thresholds(read())


@cache
def _alerts() -> dict[str, Alert]:
    return {alert.name: alert for alert in alerts_in(files(_thresholds()))}


def steps(*alerts: str, scale: float = 1) -> list[Threshold]:
    """Return the colour of each range of values: that of the worst of the `alerts` firing there, or else that of good.

    An alert without a threshold is about something that should not exist at all: any of it is bad.
    scale: the factor from the alerts' unit to the panel's, such as 3600 from hours to seconds.

    :raises KeyError: when there is no such alert.
    """
    limits = [
        (side, scale * threshold, _alerts()[name].severity)
        for name in alerts
        for side, threshold in [_thresholds().limit(name) or ("above", 0.0)]
    ]
    steps = [Threshold(value=None, color=_worst(limits, float("-inf")))]
    for value in sorted({max(threshold, LEAST) for _, threshold, _ in limits}):
        colour = _worst(limits, value)
        if colour != steps[-1].color:
            steps.append(Threshold(value=value, color=colour))
    return steps


def none() -> list[Threshold]:
    """Return the colours of what should not exist at all."""
    return [Threshold(value=None, color=GOOD), Threshold(value=LEAST, color=CRITICAL)]


def complete() -> list[Threshold]:
    """Return the colours of a percentage that should be 100."""
    return [Threshold(value=None, color=WARNING), Threshold(value=100, color=GOOD)]


def at_least(minimum: float) -> list[Threshold]:
    """Return the colours of what must reach a minimum."""
    return [Threshold(value=None, color=CRITICAL), Threshold(value=minimum, color=GOOD)]


def objective(name: str) -> float:
    """Return the percentage of events that must be good, by the name of an objective in prometheus/thresholds/."""
    return _thresholds().objective(name)


def objectives() -> list[Objective]:
    """Return the objectives that have alerts."""
    return [objective for objective in OBJECTIVES if objective.alert]


def runbook(alert: str) -> str:
    """Return the address of the runbook of an alert.

    :raises KeyError: when there is no such alert.
    """
    return _alerts()[alert].runbook_url


def alerts_of(uid: str) -> list[str]:
    """Return the names of the alerts that link to a dashboard."""
    return [alert.name for alert in _alerts().values() if alert.dashboard == uid]


def _worst(limits: Sequence[_Limit], value: float) -> str:
    reached = {
        severity
        for side, threshold, severity in limits
        if (value >= max(threshold, LEAST) if side == "above" else value < threshold)
    }
    return next((colour for severity, colour in _COLOURS.items() if severity in reached), GOOD)
