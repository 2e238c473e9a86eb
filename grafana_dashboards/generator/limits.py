"""What is too much or too little: the figures that alerts compare with, as colours, and the runbooks of alerts."""

from functools import cache

from grafana_foundation_sdk.models.dashboard import Threshold

from prometheus.generator.generate import alerts_in, files
from prometheus.generator.rules import Alert
from prometheus.generator.thresholds import Thresholds, read

from .palette import CRITICAL, GOOD, WARNING

_COLOURS = {"critical": CRITICAL, "warning": WARNING}
LEAST = 0.001
"""What is more than none: an alert above 0 is silent at 0."""


@cache
def _thresholds() -> Thresholds:
    return Thresholds(read())


@cache
def _alerts() -> dict[str, Alert]:
    return {alert.name: alert for alert in alerts_in(files(_thresholds()))}


def steps(*alerts: str) -> list[Threshold]:
    """Return the colours of values: those of the worst of `alerts` that a value would make fire, else that of good.

    An alert without a figure is about something that should not be at all: any of it is bad.

    :raises KeyError: when there is no such alert.
    """
    limits = [(*(_thresholds().limit(name) or ("above", 0)), _alerts()[name].severity) for name in alerts]
    steps = [Threshold(value=None, color=_worst(limits, float("-inf")))]
    for value in sorted({max(figure, LEAST) for _, figure, _ in limits}):
        colour = _worst(limits, value)
        if colour != steps[-1].color:
            steps.append(Threshold(value=value, color=colour))
    return steps


def none() -> list[Threshold]:
    """Return the colours of what should not be at all."""
    return [Threshold(value=None, color=GOOD), Threshold(value=LEAST, color=CRITICAL)]


def at_least(figure: float) -> list[Threshold]:
    """Return the colours of what must reach a figure."""
    return [Threshold(value=None, color=CRITICAL), Threshold(value=figure, color=GOOD)]


def objective(name: str) -> float:
    """Return what percentage of events must be good, by the name of an objective in thresholds/."""
    return _thresholds().objective(name)


def runbook(alert: str) -> str:
    """Return the address of what to do about an alert.

    :raises KeyError: when there is no such alert.
    """
    return _alerts()[alert].runbook_url


def alerts_of(uid: str) -> list[str]:
    """Return the names of the alerts that lead to a dashboard."""
    return [alert.name for alert in _alerts().values() if alert.dashboard == uid]


def _worst(limits, value):
    reached = {
        severity
        for side, figure, severity in limits
        if (value >= max(figure, LEAST) if side == "above" else value < figure)
    }
    return next((colour for severity, colour in _COLOURS.items() if severity in reached), GOOD)
