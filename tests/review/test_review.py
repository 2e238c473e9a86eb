"""The quarterly review, of a real Prometheus that holds 90 days of made data."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests
import yaml

from stack.ports import Ports
from stack.services import prometheus
from tests.waiting import until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
HOUR, DAY = 3600, 86400
RULES = {
    "groups": [
        {
            "name": "all",
            "rules": [
                {"record": "influencegen:influencer_active:max", "expr": "max by (job) (influencer_active)"},
                *(
                    {"alert": name, "expr": f"{metric} > 1e9"}
                    for name, metric in (
                        ("HostCpuHigh", "node_load1"),
                        ("DiskSpaceLow", "node_load1"),
                        ("NeverFired", "influencer_active"),
                        ("OnlyPending", "node_load1"),
                    )
                ),
            ],
        }
    ]
}


def firing(name, since, hours, state="firing", **labels):
    """Samples of an alert, one a minute."""
    text = "".join(f',{key}="{value}"' for key, value in labels.items())
    return [
        f'ALERTS{{alertname="{name}",alertstate="{state}"{text}}} 1 {moment}'
        for moment in range(since, since + int(hours * HOUR), 60)
    ]


def made_data(now):
    """90 days in OpenMetrics: alerts, targets that were up, and metrics of ours that exist now."""
    lines = [line for days in (80, 40, 3) for line in firing("HostCpuHigh", now - days * DAY, 2, host="db-1")]
    lines += firing("HostCpuHigh", now - 40 * DAY, 1, host="web-1")
    lines += firing("DiskSpaceLow", now - 10 * DAY, 30, host="db-1")
    lines += firing("OnlyPending", now - 5 * DAY, 1, state="pending")
    for series in ("up", 'alertmanager_notifications_total{integration="email"}'):
        lines += [f"{series} {number} {moment}" for number, moment in enumerate(range(now - 60 * DAY, now, HOUR))]
    ours = (
        "influencer_active",
        "metric_of_nobody",
        "time_of_nobody_bucket",
        "time_of_nobody_count",
        "time_of_nobody_sum",
        "influencegen:influencer_active:max",
    )
    just_now = int(time.time())
    lines += [f'{name}{{job="influencegen-business"}} 1 {just_now}' for name in ours]
    lines += [f'{name}{{job="node"}} 1 {just_now}' for name in ("node_load1", "node_of_nobody")]
    return "\n".join([*lines, "# EOF", ""])


class Alertmanager(BaseHTTPRequestHandler):
    """Answers with two silences, one active and one expired, as Alertmanager's API does."""

    def do_GET(self):  # as http.server calls it
        silence = {
            "matchers": [{"name": "alertname", "value": "HostCpuHigh"}],
            "endsAt": "2030-01-01T00:00:00Z",
            "createdBy": "ada",
            "comment": "new CPUs are ordered",
        }
        body = json.dumps([{**silence, "status": {"state": state}} for state in ("active", "expired")]).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The sections of what the review prints, by title, and its first line."""
    folder = tmp_path_factory.mktemp("review")
    now = int(time.time()) // HOUR * HOUR
    (folder / "data.om").write_text(made_data(now))
    subprocess.run(
        [
            prometheus.executable("promtool"),
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            "--max-block-duration=720h",
            folder / "data.om",
            folder / "data",
        ],
        check=True,
        capture_output=True,
    )
    (folder / "rules.yml").write_text(yaml.safe_dump(RULES))
    with HTTPServer(("127.0.0.1", 0), Alertmanager) as alertmanager:
        threading.Thread(target=alertmanager.serve_forever, daemon=True).start()
        (folder / "prometheus.yml").write_text(
            yaml.safe_dump(
                {
                    "rule_files": ["rules.yml"],
                    "alerting": {
                        "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.server_port}"]}]}]
                    },
                }
            )
        )
        url = f"http://127.0.0.1:{Ports.free().prometheus}"
        with (
            open(folder / "log", "w") as log,
            subprocess.Popen(
                [
                    prometheus.executable("prometheus"),
                    f"--config.file={folder / 'prometheus.yml'}",
                    "--query.lookback-delta=5m",
                    f"--storage.tsdb.path={folder / 'data'}",
                    "--storage.tsdb.retention.time=120d",
                    f"--web.listen-address={url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
            ) as server,
        ):
            try:
                until(lambda: knows_alertmanager(url), "Prometheus has found Alertmanager")
                result = subprocess.run(
                    [sys.executable, ROOT / "prometheus" / "review.py", "--prometheus", url],
                    capture_output=True,
                    text=True,
                )
            finally:
                server.kill()
        alertmanager.shutdown()
    assert result.returncode == 0, result.stderr
    head, *sections = result.stdout.strip().split("\n\n")
    parts = {section.splitlines()[0]: section.splitlines()[2:] for section in sections}
    return {"head": head, **parts}


def knows_alertmanager(url):
    try:
        answer = requests.get(f"{url}/api/v1/alertmanagers", timeout=5)
    except requests.RequestException:
        return False
    # it says 503 while it starts
    return answer.ok and answer.json()["data"]["activeAlertmanagers"]


def test_it_says_how_far_back_prometheus_remembers(report):
    assert report["head"] == "Prometheus has data for 60 of the last 90 days."


def test_alerts_are_ranked_by_how_often_they_fired(report):
    fired = [line.split() for line in report["Fired, most often first (times fired, hours firing)"]]
    assert [(name, int(times)) for name, times, _ in fired] == [("HostCpuHigh", 4), ("DiskSpaceLow", 1)]
    assert [float(hours) for _, _, hours in fired] == pytest.approx([7, 30], abs=0.5)


def test_alerts_that_were_at_most_pending_never_fired(report):
    assert report["Never fired"] == ["NeverFired", "OnlyPending"]


def test_notifications_are_counted_by_channel(report):
    [line] = report["Notifications by channel"]
    assert line.split()[0] == "email" and float(line.split()[1]) > 1000


def test_silences_that_hold_are_listed(report):
    assert report["Active silences"] == ["alertname=HostCpuHigh  until 2030-01-01T00:00, by ada: new CPUs are ordered"]


def test_metrics_of_ours_that_nobody_uses_are_listed(report):
    assert report["Metrics that no rule, dashboard or runbook uses"] == ["metric_of_nobody", "time_of_nobody"]
