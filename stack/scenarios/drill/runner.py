"""The course of a fault drill.

Before each fault, no alert is firing. Then the expected notification must arrive on its channels, with its text. Of the
other alerts that the fault drill judges (see `judged`), only those that the fault declares may fire. Once the fault has
ended, each must be notified as resolved.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, nullcontext
from typing import Any

import requests

from stack.console import StackError
from stack.polling import wait_until
from stack.scenarios.drill.acceleration import accelerated
from stack.scenarios.drill.business import Business
from stack.scenarios.drill.faults import FAULTS, Fault, ImpossibleFaultError, stopped
from stack.scenarios.drill.inbox import Inbox, Notification
from stack.scenarios.drill.report import Line, report
from stack.services import n8n
from stack.system import System

QUIET_SECONDS = 60
# Long enough for a busy machine.
TIMEOUT_SECONDS = 240
# For 5 more minutes, queries return samples recorded at normal speed: Prometheus looks back that far.
LOOKBACK_SECONDS = 360
# A slow service must be able to answer.
AI_TIMEOUT_SECONDS = 60
# After this long without a heartbeat, which comes every 3 s, the dead man's switch counts as triggered.
SILENCE_SECONDS = 10

# Alerts that a fault drill can't judge: those about the machine, which others use too, and about a whole day of images.
ELSEWHERE = re.compile(r"(Host(Cpu|Memory)|Disk|Network|AiImageVolume)\w+")
NOT_JUDGED = "is not checked: it is about the machine, about a whole day, or belongs to team business"
# The disk of the fault drill is its own.
OWN = "/drill/disk"


def run(system: System) -> bool:
    """Practise every fault, print what came of it, and say whether on-call got the right notifications and no others.

    :raises StackError: when an alert fires before the first fault, and does not resolve.
    """
    if system.n8n_mode.stub:
        raise StackError("The fault drill needs n8n: run it without N8N=stub.")
    drill = Drill(system)
    with _with_long_ai_timeout(system), accelerated(system):
        lines = drill.run()
    print(f"\n{report(lines)}")
    return not any(line.wrong for line in lines)


def judged(severity: str, team: str, alert: str, about: str) -> bool:
    """Say whether an alert is one that must not come unless it is expected."""
    return (
        severity in ("critical", "warning") and team in ("platform", "integration")
        and not (ELSEWHERE.fullmatch(alert) and OWN not in about)
    )  # fmt: skip


class Drill:
    """A fault drill on a running system."""

    def __init__(self, system: System):
        self.system = system
        self.business = Business(system)
        self.inbox = Inbox(system)
        self.held = {rule["name"]: rule["duration"] for group in self._ask("rules?type=alert")["groups"]
                     for rule in group["rules"]}  # fmt: skip

    def run(self) -> list[Line]:
        """Practise everything, and return a line for each fault."""
        lines = []
        for practise in (self.nothing, *(lambda fault=fault: self.fault(fault) for fault in FAULTS), self.silence):
            lines.append(practise())
            print(f"  {lines[-1]}", flush=True)
        return lines

    def nothing(self) -> Line:
        """Cause no fault, and expect no notification."""
        line = Line(f"none, in {QUIET_SECONDS} s of traffic", "nothing")
        with self.business:
            self._wait_until_resolved(line, LOOKBACK_SECONDS)
            if line.wrong:
                raise StackError(f"{', '.join(line.wrong)}, before any fault was caused: fix that first.")
            begun = time.monotonic()
            time.sleep(QUIET_SECONDS)
            self._judge(line, begun, {})
            line.wrong += self._active_alerts()
        return line

    def fault(self, fault: Fault) -> Line:
        """Cause a fault, and wait for its notifications, firing and then resolved."""
        line = Line(fault.what, fault.alert, held=self.held.get(fault.alert))
        try:
            with self.business if fault.busy else nullcontext(), fault.around(self.system):
                # if a cause is slow, its alert may be notified before the body of the next block begins
                begun = time.monotonic()
                with fault.cause(self.system):
                    line.channels = self._await(line, fault, begun, fault.channels, firing=True)
                    ended = time.monotonic()
                # without a firing notification there is no resolved one
                self._await(line, fault, ended, line.channels, firing=False)
                self._wait_until_resolved(line)
                self._judge(line, begun, fault.besides, fault.is_named_in)
        except ImpossibleFaultError as why:
            line.impossible = str(why)
        return line

    def silence(self) -> Line:
        """Stop Alertmanager: nobody can be notified, and that is what the dead man's switch is for."""
        line = Line("Alertmanager is stopped", "no heartbeat", held=0)
        begun = time.monotonic()
        with stopped("alertmanager")(self.system):
            caused = time.time()
            if wait_until(lambda: time.time() > max(self._heartbeat(), caused) + SILENCE_SECONDS, TIMEOUT_SECONDS):
                line.arrived, line.channels, line.delay = "no heartbeat", {"heartbeat"}, time.time() - caused
            ended = time.time()
        if wait_until(lambda: self._heartbeat() > ended, TIMEOUT_SECONDS):
            line.resolved = time.time() - ended
        else:
            line.wrong.append("no heartbeat after the restart of Alertmanager")
        self._wait_until_resolved(line)
        reason = "Prometheus sends these once Alertmanager is up again"
        self._judge(line, begun, dict.fromkeys(("TargetMissing", "AlertmanagerUnreachable"), reason))
        return line

    def _await(self, line: Line, fault: Fault, since: float, channels: Set[str], firing: bool) -> Set[str]:
        """Wait until an alert is notified as firing, or as resolved; return the channels of its notifications."""

        def right(notification: Notification) -> bool:
            return notification.firing == firing and fault.is_named_in(notification.alert, notification.text)

        came = self.inbox.wait(right, channels, since, TIMEOUT_SECONDS)
        if came.keys() != channels:
            line.wrong.append(
                f"{fault.alert} was notified as {'firing' if firing else 'resolved'} on "
                f"{', '.join(sorted(came)) or 'no channel'}, expected {', '.join(sorted(channels))}"
            )
        if came:
            last = max(notification.at for notification in came.values()) - since
            if firing:
                line.arrived, line.delay, line.text = fault.alert, last, next(iter(came.values())).text
                if fault.runbook not in line.text:
                    line.wrong.append(f"the notification does not contain {fault.runbook}")
            else:
                line.resolved = last
        return came.keys()

    def _judge(self, line: Line, since: float, declared: Mapping[str, str],
               right: Callable[[str, str], bool] = lambda alert, text: False) -> None:  # fmt: skip
        """Note which alerts have fired since, beside the right one."""
        for notification in self.inbox.read():
            if notification.firing and notification.at >= since and not right(notification.alert, notification.text):
                ours = judged(notification.severity, notification.team, notification.alert, notification.text)
                line.others[notification.alert] = declared.get(notification.alert) or ("" if ours else NOT_JUDGED)
        line.wrong += [f"unexpected alert {alert}" for alert, reason in line.others.items() if not reason]

    def _wait_until_resolved(self, line: Line, within: float = TIMEOUT_SECONDS) -> None:
        """Wait until nothing fires, or is about to, and all firing notifications are resolved."""
        if not wait_until(lambda: not self._active_alerts(), within):
            line.wrong += self._active_alerts()

    def _active_alerts(self) -> list[str]:
        """Return a text for each alert that is pending or firing, or was notified as firing and not as resolved."""
        active = {
            alert["labels"]["alertname"]: f"{alert['labels']['alertname']} is {alert['state']}"
            for alert in self._ask("alerts")["alerts"]
            if judged(alert["labels"]["severity"], alert["labels"]["team"], alert["labels"]["alertname"],
                      str(alert["labels"]))
        }  # fmt: skip
        unresolved = {
            notification.alert: f"{notification.alert} was not resolved on {notification.channel}"
            for notification in self.inbox.unresolved()
            if judged(notification.severity, notification.team, notification.alert, notification.text)
        }
        return list({**unresolved, **active}.values())

    def _heartbeat(self) -> float:
        """Return when the last heartbeat came, in seconds since 1970."""
        return requests.get(self.system.url("receiver", "/heartbeat"), timeout=10).json()["last"] or 0

    def _ask(self, what: str) -> dict[str, Any]:
        """Return what Prometheus answers."""
        response = requests.get(self.system.url("prometheus", f"/api/v1/{what}"), timeout=30)
        response.raise_for_status()
        data: dict[str, Any] = response.json()["data"]
        return data


@contextmanager
def _with_long_ai_timeout(system: System) -> Iterator[None]:
    """Set n8n's timeout for the AI service high enough for a slow service, whatever the demo has set."""
    [(before,)] = n8n.query(system.layout, "SELECT ai_timeout_seconds FROM influencegen.limits")
    n8n.limit(system.layout, ai_timeout_seconds=AI_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        n8n.limit(system.layout, ai_timeout_seconds=before)
