"""The rules, alerts and configurations of Prometheus and Alertmanager, checked by their own tools."""

import re
import shutil
import subprocess
from itertools import chain
from pathlib import Path

import pytest
import yaml

from stack import prometheus

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
RUNBOOK_URL = "https://github.com/influencegen/telemetry/blob/main/docs/runbooks/"
UNIT_TESTS = sorted((FOLDER / "tests").glob("*.yml"))
# The tiers' rules are all made alike, and tests/storage has their tests.
RULES = [rule for path in sorted((FOLDER / "rules").glob("*.yml")) if path.stem != "tiers"
         for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = [rule["record"] for rule in RULES if "record" in rule]


@pytest.fixture(scope="module")
def run():
    """Function run(program, *arguments): run one of Prometheus's tools, and fail with what it says."""
    programs = prometheus.provide()

    def run(program, *arguments):
        result = subprocess.run([programs[program], *map(str, arguments)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    return run


def test_prometheus_accepts_its_configuration_and_rules(run, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "token").write_text("token")
    run("promtool", "check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus" / "prometheus.yml")


def test_alertmanager_accepts_its_configuration(run):
    run("amtool", "check-config", FOLDER / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_rules_give_what_they_promise(run, path):
    run("promtool", "test", "rules", path)


@pytest.mark.parametrize("rule", RECORDED)
def test_each_recording_rule_has_a_unit_test_with_traffic(rule):
    samples = chain.from_iterable(
        expression["exp_samples"] for path in UNIT_TESTS for test in yaml.safe_load(path.read_text())["tests"]
        for expression in test.get("promql_expr_test", []))
    name = rule.removeprefix("influencegen:")
    assert any(re.search(rf'\b{name}(["{{]|$)', sample["labels"]) and sample["value"] for sample in samples)


@pytest.mark.parametrize("rule", RECORDED)
def test_recording_rules_are_named_alike(rule):
    assert re.fullmatch(
        r"influencegen:[a-z0-9_]+:((rate|percent|avg|avg_hours|p50|p90|p95|p99|increase)_\d+[mhd]|max)", rule)


def test_no_rule_is_recorded_twice():
    assert len(RECORDED) == len(set(RECORDED))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_says_what_to_do(alert):
    assert alert["labels"].keys() == {"severity", "team"}
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert "$value" in alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOK_URL}{alert['alert']}.md"
    assert (RUNBOOKS / f"{alert['alert']}.md").exists()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_each_alert_has_unit_tests_of_firing_and_of_silence(alert):
    cases = [case for path in UNIT_TESTS for test in yaml.safe_load(path.read_text())["tests"]
             for case in test.get("alert_rule_test", []) if case["alertname"] == alert["alert"]]
    assert {bool(case.get("exp_alerts")) for case in cases} == {True, False}


def test_each_runbook_belongs_to_an_alert():
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize("path", sorted(RUNBOOKS.glob("*.md")), ids=lambda path: path.stem)
def test_each_query_in_a_runbook_can_be_parsed(run, path, tmp_path):
    queries = re.findall(r"```promql\n(.+?)\n *```", path.read_text(), re.DOTALL)
    assert queries
    rules = {"groups": [{"name": "runbook", "rules": [
        {"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
    run("promtool", "check", "rules", tmp_path / "rules.yml")
