"""Two Prometheus with the same rules, and a cluster of two Alertmanagers: one notification, whichever is lost."""

import os
import sys
from dataclasses import replace

import pytest
import yaml

from stack.layout import ACCOUNT, Layout
from stack.ports import Ports
from stack.services import prometheus
from stack.services.processes import Program
from tests.storage.conftest import ROOT
from tests.storage.servers import Server, share_passwords, start_prometheus
from tests.waiting import until

pytestmark = pytest.mark.servers

# How long one waits for the other; 15 s by default
PEER_TIMEOUT = "--cluster.peer-timeout=3s"


@pytest.fixture
def layouts(tmp_path):
    """Folders and free ports for two of each."""
    layouts = [Layout(tmp_path / name, Ports.free()) for name in ("a", "b")]
    for layout in layouts:
        layout.state.mkdir()
    share_passwords(*layouts)
    return layouts


@pytest.fixture
def receiver(running, layouts):
    """The simulator that receives notifications."""
    [layout, _] = layouts
    command = [
        sys.executable,
        "-m",
        "stack.simulators.alert_receiver",
        "--port",
        layout.ports.receiver,
        "--state-dir",
        layout.state / "receiver",
    ]
    return running(Server(
        Program("receiver", command), layout.url("receiver"), layout.state, ready="/health",
        environment={**os.environ, "SMTP_LISTEN": f"127.0.0.1:{layout.ports.smtp}"},
    ))  # fmt: skip


@pytest.fixture
def alertmanagers(running, layouts, receiver):
    """Two Alertmanagers, of which the second knows the first; both notify on-call, by the same pager."""
    prometheus.configure(layouts[0])
    configuration = yaml.safe_load((layouts[0].state / "alertmanager.yml").read_text())
    configuration["route"] = {
        "receiver": "on-call", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s",
    }  # fmt: skip

    def start(layout, *peers):
        [program] = [program for program in prometheus.programs(layout) if program.name == "alertmanager"]
        alone = "--cluster.listen-address="
        assert alone in program.command
        # the port of something that does not run here
        address = f"127.0.0.1:{layout.ports.odoo}"
        command = [
            *(part for part in program.command if part != alone),
            f"--cluster.listen-address={address}",
            f"--cluster.advertise-address={address}",
            PEER_TIMEOUT,
            *(f"--cluster.peer={peer}" for peer in peers),
        ]
        (layout.state / "alertmanager.yml").write_text(yaml.safe_dump(configuration))
        return address, running(Server(replace(program, command=command), layout.url("alertmanager"), layout.state))

    address, first = start(layouts[0])
    _, second = start(layouts[1], address)
    for alertmanager in (first, second):
        until(
            lambda alertmanager=alertmanager: alertmanager.metric("alertmanager_cluster_members") == 2,
            "it knows of two",
        )
    return first, second


def write_alerts(path, *names):
    path.write_text(
        yaml.safe_dump(
            {
                "groups": [
                    {
                        "name": "trial",
                        "interval": "1s",
                        "rules": [
                            {
                                "alert": name,
                                "expr": "vector(1)",
                                "labels": {"severity": "critical", "team": "platform"},
                                "annotations": {"summary": "A trial", "description": "It fires."},
                            }
                            for name in names
                        ],
                    }
                ]
            }
        )
    )


def test_each_alert_is_notified_once_whichever_is_lost(tmp_path, running, layouts, receiver, alertmanagers):
    def notified():
        return sorted(alert["labels"]["alertname"] for alert in receiver.get("/alerts") if alert["channel"] == "pager")

    def considered(alertmanager):
        """How often an Alertmanager looked whether a notification has been sent already."""
        return alertmanager.metric("alertmanager_nflog_queries_total")

    rules = tmp_path / "rules.yml"
    write_alerts(rules)
    alerting = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["alerting"]
    targets = [f"127.0.0.1:{layout.ports.alertmanager}" for layout in layouts]
    login = {"username": ACCOUNT, "password": layouts[0].secret("alertmanager")}
    alerting["alertmanagers"] = [{"basic_auth": login, "static_configs": [{"targets": targets}]}]
    writers = [
        running(start_prometheus(layout, rules, {"alerting": alerting, "remote_write": []}, {"REPLICA": name}))
        for name, layout in zip("ab", layouts, strict=True)
    ]
    for writer in writers:
        until(
            lambda writer=writer: writer.metric("prometheus_notifications_alertmanagers_discovered") == 2,
            "it knows both",
        )
    write_alerts(rules, "First")
    for writer in writers:
        writer.reload()
    until(lambda: all(considered(alertmanager) > 2 for alertmanager in alertmanagers), "both have considered it again")
    assert notified() == ["First"]

    first, second = alertmanagers
    writers[0].kill()
    first.kill()
    write_alerts(rules, "First", "Second")
    before = considered(second)
    writers[1].reload()
    until(lambda: notified() != ["First"], "the second alert is notified")
    until(lambda: considered(second) > before + 2, "it is considered again")
    assert notified() == ["First", "Second"]
