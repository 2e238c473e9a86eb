"""A real Alertmanager with the project's configuration, and the simulators of pager, chat and mail that it sends to."""

import datetime
import subprocess
import sys

import pytest
import requests
import yaml

from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.services import prometheus
from tests.waiting import until

RUNBOOK = "https://github.com/influencegen/telemetry/blob/main/docs/runbooks/"
# Alertmanager waits to group alerts into one notification: here, only for as long as a busy machine needs.
SHORT = {"group_wait": "500ms", "group_interval": "1s", "repeat_interval": "1h"}


def accelerated(content):
    """A configuration in which nobody waits long."""
    if isinstance(content, dict):
        return {key: SHORT.get(key) or accelerated(value) for key, value in content.items()}
    return [accelerated(value) for value in content] if isinstance(content, list) else content


class OnCall:
    """Alertmanager and its receivers, on free ports; all end with `stop`."""

    def __init__(self, state):
        self.layout = Layout(state, Ports.free())
        self.processes = []

    def begin(self, adjust=lambda configuration: None):
        """Start all; `adjust` may change Alertmanager's configuration first."""
        prometheus.configure(self.layout)
        written = self.layout.state / "alertmanager.yml"
        configuration = accelerated(yaml.safe_load(written.read_text()))
        adjust(configuration)
        written.write_text(yaml.safe_dump(configuration))
        ports = self.layout.ports
        self.run(
            [sys.executable, "-m", "stack.simulators.alert_receiver", "--port", str(ports.receiver)],
            cwd=PROJECT,
            env={"SMTP_LISTEN": f"127.0.0.1:{ports.smtp}"},
        )
        self.start("alertmanager")
        until(lambda: self.answers("receiver", "/health"), "the receiver answers")
        until(lambda: self.answers("alertmanager", "/-/ready"), "Alertmanager answers")

    def start(self, name):
        """Start a server of `stack.services.prometheus` as the running system does, and return its process."""
        [program] = [program for program in prometheus.programs(self.layout) if program.name == name]
        return self.run(program.command, cwd=program.directory)

    def run(self, command, **options):
        with open(self.layout.state / f"log-{len(self.processes)}", "w") as log:
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log, **options))
        return self.processes[-1]

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()

    def answers(self, server, path):
        try:
            return requests.get(self.layout.url(server, path), timeout=5).ok
        except requests.RequestException:
            return False

    def raise_alerts(self, *alerts, resolved=False):
        """Send alerts as Prometheus would: dicts of labels; each has a summary, a value, a runbook and a dashboard."""
        now = datetime.datetime.now(datetime.UTC)
        lasts = {"endsAt": now.isoformat()} if resolved else {}
        body = [
            {
                "labels": labels,
                "annotations": {
                    "summary": f"Summary of {labels['alertname']}",
                    "description": "The value is 91.5%: more than 90% is too much.",
                    "runbook_url": f"{RUNBOOK}{labels['alertname']}.md",
                    "dashboard": "/d/odoo-system-health",
                },
                "startsAt": now.isoformat(),
                **lasts,
            }
            for labels in alerts
        ]
        url = self.layout.url("alertmanager", "/api/v2/alerts")
        requests.post(url, json=body, timeout=10).raise_for_status()

    def received(self, path="/alerts"):
        return requests.get(f"http://127.0.0.1:{self.layout.ports.receiver}{path}", timeout=10).json()

    def notifications(self, alertname, status="firing"):
        """The notifications of an alert, by channel."""
        return {
            alert["channel"]: alert
            for alert in self.received()
            if alert["labels"]["alertname"] == alertname and alert["status"] == status
        }

    def wait_for(self, alertname, channels, status="firing"):
        """Wait until an alert was notified on just these channels; return the notification on each."""
        until(
            lambda: self.notifications(alertname, status).keys() >= set(channels),
            f"{alertname} {status} on {channels}",
            30,
        )
        notified = self.notifications(alertname, status)
        assert notified.keys() == set(channels)
        return notified

    def found_by_prometheus(self):
        return (
            self.answers("prometheus", "/-/ready")
            and requests.get(self.layout.url("prometheus", "/api/v1/alertmanagers"), timeout=10).json()["data"][
                "activeAlertmanagers"
            ]
        )

    def alerts(self, state=None):
        """The labels of the alerts that Alertmanager knows, or of those in a state: unprocessed, active, suppressed."""
        url = self.layout.url("alertmanager", "/api/v2/alerts")
        return [
            alert["labels"]
            for alert in requests.get(url, timeout=10).json()
            if state in (None, alert["status"]["state"])
        ]

    def names(self):
        """The names of all alerts that were notified."""
        return {alert["labels"]["alertname"] for alert in self.received()}


@pytest.fixture
def start(tmp_path):
    """Function start(adjust): a running OnCall, whose configuration `adjust` may change first."""
    running = []

    def start(*adjust):
        running.append(OnCall(tmp_path))
        running[-1].begin(*adjust)
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def oncall(start):
    """A running OnCall with the project's configuration."""
    return start()
