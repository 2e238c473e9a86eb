"""Alerts of team business start in working hours only, and end at any time.

Alertmanager's time intervals can't do that: outside them it drops the resolved notification as well as the firing one.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from .rules import OWN_LABELS, Alert, Group, Recording
from .thresholds import ThresholdError, Thresholds

TEAM = "business"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def restrict(alert: Alert) -> Alert:
    """Return an alert that starts in working hours if it is of team business, and as it is if not."""
    if alert.team != TEAM:
        return alert
    firing = f'ALERTS{{alertname="{alert.name}", alertstate="firing"}}'
    labels = ", ".join(("alertname", "alertstate", *OWN_LABELS))
    return replace(
        alert,
        expr=f"({alert.expr}) and on () {_open(alert)} or ({alert.expr}) and ignoring ({labels}) {firing}",
    )


def group(thresholds: Thresholds, alerts: Iterable[Alert]) -> Group:
    """Return the recording rules that the restricted ones among `alerts` need.

    :raises ThresholdError: when the working hours are invalid, or an alert has to last longer than they do.
    """
    hours = _hours(thresholds)
    rules = [_rule(hours, alert) for alert in alerts if alert.team == TEAM]
    return Group(
        "influencegen-working-hours", sorted({rule.name: rule for rule in rules}.values(), key=lambda rule: rule.name)
    )


def _open(alert: Alert) -> str:
    """Return the name of the series that is 1 in working hours, and before them for as long as the alert's `for`."""
    return f"influencegen:working_hours:lead_{alert.pending_for or '0s'}"


def _hours(thresholds: Thresholds) -> dict[str, int]:
    keys = ("from_hour", "until_hour", "from_weekday", "until_weekday")
    hours = thresholds.section("working_hours", TEAM, set(keys))
    first, last, monday, friday = (hours[key] for key in keys)
    if not (first < last <= 24 and monday <= friday <= 6 and all(isinstance(value, int) for value in hours.values())):
        raise ThresholdError(
            f"working_hours.{TEAM} is {hours}: give whole hours of one day (UTC), as 8 and 18, and weekdays "
            "of one week from Sunday, which is 0, to Saturday, which is 6."
        )
    return hours


def _rule(hours: dict[str, int], alert: Alert) -> Recording:
    lead = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", alert.pending_for))
    if lead > 3600 * (hours["until_hour"] - hours["from_hour"]):
        raise ThresholdError(
            f"alerts.{alert.name}.for is {alert.pending_for}, and working hours are shorter: lower it."
        )
    now, then = (
        f"hour({moment}) >= {hours['from_hour']} < {hours['until_hour']} and day_of_week({moment}) >= "
        f"{hours['from_weekday']} <= {hours['until_weekday']}"
        for moment in ("", f"vector(time() + {lead})")
    )
    return Recording(_open(alert), f"vector(1) and ({now} or {then})")
