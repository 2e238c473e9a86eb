"""A business alert starts in working hours alone, and its end arrives at any time."""

import datetime
import signal

import pytest
import requests
import yaml

from prometheus.generator import generate, thresholds
from prometheus.generator.rules import render
from tests.waiting import until

pytestmark = pytest.mark.servers

TEAM = ("chat", "mail")
QUEUE = "influencer_kyc_queue_oldest_age_seconds"
OTHER = {"alert": "Other", "expr": "vector(1)", "labels": {"severity": "warning", "team": "platform"}}


class Server:
    """A Prometheus that evaluates KycQueueOld each second, without `for`; `set` sets working hours and the queue."""

    def __init__(self, oncall):
        self._folder = oncall.layout.state
        self._rules = self._folder / "rules.yml"
        configuration = yaml.safe_load((self._folder / "prometheus.yml").read_text())
        configuration |= {"rule_files": [str(self._rules)], "scrape_configs": []}
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self._url = oncall.layout.url("prometheus", "/api/v1/query")
        self._process = oncall.start("prometheus")
        # what fires before Prometheus has found Alertmanager is sent a minute later
        until(oncall.found_by_prometheus, "Prometheus has found Alertmanager")

    def set(self, *, working, old):
        """Let this weekday be a working day or not, and a KYC submission wait for too long or not."""
        today = int(datetime.datetime.now(datetime.UTC).strftime("%w"))
        weekday = today if working else (today + 3) % 7
        content = thresholds.read()
        content["working_hours"]["business"] = {
            "from_hour": 0,
            "until_hour": 24,
            "from_weekday": weekday,
            "until_weekday": weekday,
        }
        content["alerts"]["KycQueueOld"]["for"] = "0s"
        files = generate.files(thresholds.Thresholds(content))
        [rule] = [
            rule
            for group in files["influencegen_alerts_business"]
            for rule in group.rules
            if rule.name == "KycQueueOld"
        ]
        groups = yaml.safe_load(render(files["influencegen_working_hours"]))["groups"]
        groups += [
            {"name": "queue", "rules": [
                {"record": QUEUE, "labels": {"state": "review"}, "expr": f"vector({100_000 if old else 0})"}]},
            {"name": "alerts", "rules": [rule.content(), OTHER]},
        ]  # fmt: skip
        self._rules.write_text(yaml.safe_dump({"groups": [group | {"interval": "1s"} for group in groups]}))
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self._opens() == working, "Prometheus has read its rules")

    def _opens(self):
        """Whether a business alert may start now."""
        query = {"query": "influencegen:working_hours:lead_0s"}
        return bool(requests.get(self._url, params=query, timeout=10).json()["data"]["result"])


@pytest.fixture
def server(oncall):
    return Server(oncall)


def test_its_end_arrives_outside_working_hours(oncall, server):
    server.set(working=True, old=True)
    oncall.wait_for("KycQueueOld", TEAM)
    server.set(working=False, old=True)
    assert {labels["alertname"] for labels in oncall.alerts("active")} == {"KycQueueOld", "Other"}
    server.set(working=False, old=False)
    for notified in oncall.wait_for("KycQueueOld", TEAM, status="resolved").values():
        assert ", until: " in notified["text"]


def test_it_does_not_start_outside_working_hours_and_others_do(oncall, server):
    server.set(working=False, old=True)
    oncall.wait_for("Other", TEAM)
    assert oncall.names() == {"Other"}
    server.set(working=True, old=True)
    oncall.wait_for("KycQueueOld", TEAM)
