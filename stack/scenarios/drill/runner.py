"""The course of a drill.

Before each fault nothing fires. Then the right notification must come, on its channels, with its text, and no other but
those that the fault declares; and when the fault has ended, each of them must be told to be over.
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
# A busy machine takes its time; what has not come after so many seconds does not come.
PATIENCE = 240
# What rules recorded at their own pace is taken for the present for 5 minutes more.
FORGOTTEN = 360
# A service that is slow is not to be given up before it has answered.
AI_TIMEOUT_SECONDS = 60
# Whoever receives the heartbeat raises the alarm when it has been silent for so long; it comes every 3 s.
SILENCE_SECONDS = 10

# What is about the machine, which others use too, and about the images of a day, which a drill does not have.
ELSEWHERE = re.compile(r"(Host(Cpu|Memory)|Disk|Network|AiImageVolume)\w+")
NOT_JUDGED = "is not judged: it is about the machine, about the figures of a day, or about business"
# The disk of the drill is its own.
OWN = "/drill/disk"


def run(system: System) -> bool:
    """Practise every fault, print what came of it, and say whether on-call was told what is right and nothing else.

    :raises StackError: when something fires before the first fault, and goes on.
    """
    if system.n8n_mode.stub:
        raise StackError("The drill is about n8n too: run it without N8N=stub.")
    drill = Drill(system)
    with _patient(system), accelerated(system):
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
    """A drill on a running system."""

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
        """Let business go on as ever, and wait for nothing to be told."""
        line = Line(f"none, in {QUIET_SECONDS} s of business", "nothing")
        with self.business:
            self._calm_down(line, FORGOTTEN)
            if line.wrong:
                raise StackError(f"Before any fault {', '.join(line.wrong)}: mend that first.")
            begun = time.monotonic()
            time.sleep(QUIET_SECONDS)
            self._judge(line, begun, {})
            line.wrong += self._uproar()
        return line

    def fault(self, fault: Fault) -> Line:
        """Cause a fault, and wait for what must be told of it, and then of its end."""
        line = Line(fault.what, fault.alert, held=self.held.get(fault.alert))
        try:
            with self.business if fault.busy else nullcontext(), fault.around(self.system):
                # what takes its time to break may be told of before it has broken
                begun = time.monotonic()
                with fault.cause(self.system):
                    line.channels = self._await(line, fault, begun, fault.channels, firing=True)
                    ended = time.monotonic()
                # who was not told of it can't be told that it is over
                self._await(line, fault, ended, line.channels, firing=False)
                self._calm_down(line)
                self._judge(line, begun, fault.besides, fault.is_told_by)
        except ImpossibleFaultError as why:
            line.impossible = str(why)
        return line

    def silence(self) -> Line:
        """Stop Alertmanager: nobody can be told, and that is what the dead man's switch is for."""
        line = Line("Alertmanager is stopped", "no heartbeat", held=0)
        begun = time.monotonic()
        with stopped("alertmanager")(self.system):
            caused = time.time()
            if wait_until(lambda: time.time() > max(self._heartbeat(), caused) + SILENCE_SECONDS, PATIENCE):
                line.arrived, line.channels, line.delay = "no heartbeat", {"heartbeat"}, time.time() - caused
            ended = time.time()
        if wait_until(lambda: self._heartbeat() > ended, PATIENCE):
            line.resolved = time.time() - ended
        else:
            line.wrong.append("no heartbeat came after Alertmanager had been started again")
        self._calm_down(line)
        said = "Prometheus noticed too, and says so when Alertmanager is there again"
        self._judge(line, begun, dict.fromkeys(("TargetMissing", "AlertmanagerUnreachable"), said))
        return line

    def _await(self, line: Line, fault: Fault, since: float, channels: Set[str], firing: bool) -> Set[str]:
        """Wait until an alert has been told to fire, or to be over; return the channels on which it was."""

        def right(notification: Notification) -> bool:
            return notification.firing == firing and fault.is_told_by(notification.alert, notification.text)

        came = self.inbox.wait(right, channels, since, PATIENCE)
        if came.keys() != channels:
            line.wrong.append(
                f"{fault.alert} {'came' if firing else 'was told to be over'} on "
                f"{', '.join(sorted(came)) or 'no channel'}, not on {', '.join(sorted(channels))}"
            )
        if came:
            last = max(notification.at for notification in came.values()) - since
            if firing:
                line.arrived, line.delay, line.text = fault.alert, last, next(iter(came.values())).text
                if fault.runbook not in line.text:
                    line.wrong.append(f"its text has no {fault.runbook}")
            else:
                line.resolved = last
        return came.keys()

    def _judge(self, line: Line, since: float, declared: Mapping[str, str],
               right: Callable[[str, str], bool] = lambda alert, text: False) -> None:  # fmt: skip
        """Note which alerts have fired since, beside the right one."""
        for told in self.inbox.read():
            if told.firing and told.at >= since and not right(told.alert, told.text):
                ours = judged(told.severity, told.team, told.alert, told.text)
                line.others[told.alert] = declared.get(told.alert) or ("" if ours else NOT_JUDGED)
        line.wrong += [f"{alert} came too" for alert, reason in line.others.items() if not reason]

    def _calm_down(self, line: Line, within: float = PATIENCE) -> None:
        """Wait until nothing fires, or is about to, and all that was told to fire has been told to be over."""
        if not wait_until(lambda: not self._uproar(), within):
            line.wrong += self._uproar()

    def _uproar(self) -> list[str]:
        active = {
            alert["labels"]["alertname"]: f"{alert['labels']['alertname']} is {alert['state']}"
            for alert in self._ask("alerts")["alerts"]
            if judged(alert["labels"]["severity"], alert["labels"]["team"], alert["labels"]["alertname"],
                      str(alert["labels"]))
        }  # fmt: skip
        untold = {
            notification.alert: f"{notification.alert} was not told to be over on {notification.channel}"
            for notification in self.inbox.unresolved()
            if judged(notification.severity, notification.team, notification.alert, notification.text)
        }
        return list({**untold, **active}.values())

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
def _patient(system: System) -> Iterator[None]:
    """Let n8n wait for a service that is slow, whatever a demonstration has made of its patience."""
    [(before,)] = n8n.query(system.layout, "SELECT ai_timeout_seconds FROM influencegen.limits")
    n8n.limit(system.layout, ai_timeout_seconds=AI_TIMEOUT_SECONDS)
    try:
        yield
    finally:
        n8n.limit(system.layout, ai_timeout_seconds=before)
