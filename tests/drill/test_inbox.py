"""What the fault drill reads of the notifications that came, with the receiver as it runs in the system."""

import subprocess
import sys
import time

import pytest
import requests

from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.scenarios.drill.inbox import Inbox
from stack.system import N8nMode, System, answers
from tests.waiting import until

TEXT = """{status} TargetMissing (critical, platform)
Prometheus gets no metrics
127.0.0.1:1 does not answer for job {job} (up is 0): what it measures is not seen.
Where: instance=127.0.0.1:1, job={job}
Since: 2026-01-01 00:00 UTC
"""


@pytest.fixture
def system(tmp_path):
    """A system of which the receiver of alerts runs."""
    layout = Layout(tmp_path, Ports.free())
    receiver = subprocess.Popen(
        [sys.executable, "-m", "stack.simulators.alert_receiver", "--port", str(layout.ports.receiver)],
        cwd=PROJECT, env={"SMTP_LISTEN": f"127.0.0.1:{layout.ports.smtp}"},
    )  # fmt: skip
    system = System(layout, None, None, N8nMode())
    try:
        until(lambda: answers(system.url("receiver", "/health")), "the receiver answers")
        yield system
    finally:
        receiver.kill()
        receiver.wait()


def say(system, status, job="n8n"):
    """Send a message to the chat as Alertmanager does."""
    text = TEXT.format(status=status, job=job)
    message = {"channel": "#platform", "attachments": [{"title": "Title", "text": text}]}
    requests.post(system.url("receiver", "/chat"), json=message, headers={"Authorization": "Bearer x"}, timeout=10)


def test_what_came_before_is_of_no_concern(system):
    say(system, "FIRING")
    inbox = Inbox(system)
    assert not inbox.read()
    say(system, "FIRING", "gpu")
    [notification] = inbox.read()
    assert (notification.channel, notification.alert, notification.severity, notification.firing) == (
        "chat",
        "TargetMissing",
        "critical",
        True,
    )
    assert "job=gpu" in notification.text
    assert inbox.read() == [notification]


def test_an_alert_is_over_when_it_is_resolved_at_the_same_place(system):
    inbox = Inbox(system)
    say(system, "FIRING", "gpu")
    say(system, "FIRING", "n8n")
    say(system, "RESOLVED", "n8n")
    assert ["job=gpu" in notification.text for notification in inbox.unresolved()] == [True]
    say(system, "RESOLVED", "gpu")
    assert not inbox.unresolved()


def test_waiting_ends_with_all_channels_or_at_the_timeout(system):
    inbox, begun = Inbox(system), time.monotonic()
    say(system, "FIRING")
    assert inbox.wait(lambda notification: notification.firing, {"chat"}, begun, 60).keys() == {"chat"}
    assert inbox.wait(lambda notification: notification.firing, {"chat", "pager"}, begun, 1).keys() == {"chat"}
    assert not inbox.wait(lambda notification: not notification.firing, {"chat"}, begun, 1)
    assert not inbox.wait(lambda notification: notification.firing, {"chat"}, time.monotonic(), 1)
