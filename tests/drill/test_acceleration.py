"""A fault drill's Prometheus and Alertmanager: the same rules at a quicker pace, and only while it runs."""

import re
import subprocess

import pytest
import requests
import yaml

from stack.layout import Layout
from stack.ports import Ports
from stack.scenarios.drill import acceleration
from stack.services import prometheus
from stack.services.processes import Processes
from stack.system import N8nMode, System, answers

RULES = sorted((prometheus.FOLDER / "rules").glob("*.yml"))


@pytest.mark.parametrize(("expression", "accelerated"), [
    ("rate(requests_total[5m])", "rate(requests_total[15s])"),
    ("rate(requests_total[1h30m])", "rate(requests_total[60s])"),
    ("rate(requests_total[1m])", "rate(requests_total[6s])"),
    ("x - x offset 15m", "x - x offset 45s"),
    ("x offset -10m", "x offset -30s"),
    ("max_over_time(x:rate_5m[10m:2m])", "max_over_time(x:rate_5m[30s:6s])"),
    ("a:errors:rate_5m > 0.1 and a:age:avg_1d offset 1d > 4", "a:errors:rate_5m > 0.1 and a:age:avg_1d offset 60s > 4"),
    ('x{path=~"[5m]|offset 1d", other=\'[1h]\'}[5m]', 'x{path=~"[5m]|offset 1d", other=\'[1h]\'}[15s]'),
    ("predict_linear(x[30m], 1 * 3600) > 100", "predict_linear(x[60s], 1 * 3600) > 100"),
])  # fmt: skip
def test_only_ranges_and_offsets_of_an_expression_are_shortened(expression, accelerated):
    assert acceleration.in_expression(expression) == accelerated


def test_durations_are_shortened_wherever_they_stand_and_nothing_else_is():
    rules = {"groups": [{"name": "for 5m", "interval": "1m", "rules": [{
        "alert": "A", "expr": "rate(x[10m]) > 5", "for": "2m", "keep_firing_for": "1h",
        "annotations": {"description": "over the last 5m"}}]}]}  # fmt: skip
    assert acceleration.accelerate(rules) == {"groups": [{"name": "for 5m", "interval": "3s", "rules": [{
        "alert": "A", "expr": "rate(x[30s]) > 5", "for": "6s", "keep_firing_for": "60s",
        "annotations": {"description": "over the last 5m"}}]}]}  # fmt: skip
    routes = {"route": {"group_wait": "10s", "repeat_interval": "4h", "routes": [{"group_wait": "0s"}]}}
    assert acceleration.accelerate(routes) == {
        "route": {"group_wait": "500ms", "repeat_interval": "720s", "routes": [{"group_wait": "0s"}]}
    }


def test_the_accelerated_rules_are_rules(tmp_path):
    for path in RULES:
        (tmp_path / path.name).write_text(yaml.safe_dump(acceleration.accelerate(yaml.safe_load(path.read_text()))))
    promtool = prometheus.executable("promtool")
    done = subprocess.run([promtool, "check", "rules", *tmp_path.glob("*.yml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_keep_their_order_as_far_as_a_fault_drill_shows():
    alerts = [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "for" in rule
    ]
    for one in alerts:
        for other in alerts:
            if acceleration.seconds(one["for"]) < acceleration.seconds(other["for"]):
                quick, slow = (acceleration.seconds(acceleration.accelerate(rule)["for"]) for rule in (one, other))
                assert quick < slow or quick == acceleration.LONGEST


def test_each_range_holds_two_scrapes():
    configuration = acceleration.accelerate(yaml.safe_load((prometheus.FOLDER / "prometheus.yml").read_text()))
    slowest = max(
        acceleration.seconds(job.get("scrape_interval") or configuration["global"]["scrape_interval"])
        for job in configuration["scrape_configs"]
    )
    for path in RULES:
        for window in re.findall(
            r"\[(\w+)]", yaml.safe_dump(acceleration.accelerate(yaml.safe_load(path.read_text())))
        ):
            assert acceleration.seconds(window) >= 2 * slowest


@pytest.fixture
def servers(tmp_path):
    """A running Prometheus and Alertmanager at their normal pace, with nothing else to scrape and nobody to notify."""
    layout = Layout(tmp_path, Ports.free())
    prometheus.configure(layout)
    processes = Processes(layout)
    processes.configure(prometheus.programs(layout))
    system = System(layout, None, processes, N8nMode())
    for name in ("prometheus", "alertmanager"):
        processes.start(name)
        processes.wait(name, lambda name=name: answers(system.url(name, "/-/ready")))
    yield system
    processes.stop_all()


@pytest.mark.servers
def test_servers_are_accelerated_during_a_fault_drill_and_go_back_to_their_own_rules_however_it_ends(servers):
    own, own_routes = _pace(servers)
    assert own["DeadMansSwitch"] == own["N8nDown"] - 120
    with pytest.raises(KeyboardInterrupt), acceleration.accelerated(servers):
        during, routes = _pace(servers)
        raise KeyboardInterrupt
    assert during["N8nDown"] == own["N8nDown"] / acceleration.FACTOR
    assert during.keys() == own.keys()
    assert (
        acceleration.seconds(routes["group_interval"])
        == acceleration.seconds(own_routes["group_interval"]) / acceleration.FACTOR
    )
    assert _pace(servers) == (own, own_routes)


def _pace(system):
    """The `for` of each alert in seconds, by name, and Alertmanager's root route."""
    groups = requests.get(system.url("prometheus", "/api/v1/rules?type=alert"), timeout=10).json()["data"]["groups"]
    status = requests.get(system.url("alertmanager", "/api/v2/status"), timeout=10).json()
    route = yaml.safe_load(status["config"]["original"])["route"]
    return {rule["name"]: rule["duration"] for group in groups for rule in group["rules"]}, route
