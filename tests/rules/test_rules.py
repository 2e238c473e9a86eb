"""The rules are those that `make rules` writes; Prometheus and Alertmanager accept them and their configurations."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml

from influencegen_telemetry import business
from prometheus.generator import generate, promql, rules, thresholds
from stack.services import prometheus
from tests import requirements

from . import promtool

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "prometheus"
ALERTS = [rule for group in promtool.groups() for rule in group["rules"] if "alert" in rule]
LABELS = {
    "severity": get_args(rules.Severity),
    "team": get_args(rules.Team),
    "subject": get_args(rules.Subject),
    "tile": get_args(rules.Tile),
}


@pytest.fixture(scope="module")
def run():
    """Function run(program, *arguments): run one of Prometheus's tools, and fail with what it says."""

    def run(program, *arguments):
        result = subprocess.run([prometheus.executable(program), *map(str, arguments)], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    return run


def test_prometheus_accepts_its_configuration_and_rules(run, tmp_path):
    shutil.copytree(FOLDER, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "token").write_text("token")
    run("promtool", "check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus" / "prometheus.yml")


@pytest.mark.servers
def test_alertmanager_accepts_its_configuration(run):
    run("amtool", "check-config", FOLDER / "alertmanager" / "alertmanager.yml")


@pytest.mark.parametrize("path", sorted((FOLDER / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_rules_that_are_not_generated_give_what_they_promise(run, path):
    run("promtool", "test", "rules", path)


def test_they_are_not_stale():
    texts = generate.texts(thresholds.Thresholds(thresholds.read()))
    written = {path: path.read_text() for path in {*promtool.RULES.glob("*.yml"), *texts}}
    assert written == texts, "make rules writes them again"


def test_each_alert_says_what_to_do(subtests):
    for alert in ALERTS:
        with subtests.test(alert["alert"]):
            assert alert["labels"].keys() >= {"severity", "team", "subject"}
            for label, known in LABELS.items():
                assert alert["labels"].get(label, "") in known
            assert alert["labels"].keys() <= {*LABELS, "pair"}
            assert alert["annotations"].keys() - {"dashboard"} == {"summary", "description", "runbook_url"}
            # of what is absent, nothing is known
            assert "$value" in alert["annotations"]["description"] or alert["alert"] == "JobMissing"
            page = alert["annotations"]["runbook_url"].removeprefix(rules.RUNBOOKS)
            assert page in (f"odoo/{alert['alert']}.md", f"influencegen/{alert['alert']}.md")
            assert (ROOT / "docs" / "runbooks" / page).exists()


def test_a_pair_is_a_warning_and_a_critical_alert():
    pairs: dict[str, list] = {}
    for alert in ALERTS:
        pairs.setdefault(alert["labels"].get("pair", ""), []).append(alert["labels"]["severity"])
    del pairs[""]
    assert pairs and all(sorted(severities) == ["critical", "warning"] for severities in pairs.values())


def test_no_alert_is_there_twice():
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))


def test_alerts_that_are_required_have_their_condition_and_duration(subtests):
    for alert, wanted in requirements.ALERTS.items():
        with subtests.test(alert):
            (rule,) = (rule for rule in ALERTS if rule["alert"] == alert)
            expression = rule["expr"].removeprefix("(").split(") and on () influencegen:working_hours")[0]
            assert (expression, rule.get("for")) == (promql.per_cluster(wanted["expression"]), wanted.get("for"))
            requirement = business.SPECIFICATION[wanted["metric"]]
            assert requirement.rule in expression and "alert" in requirement.thresholds


def changed(section, name, key, value):
    """The thresholds with one value changed, or taken away if it is None."""
    content = thresholds.read()
    entry = content[section] if key is None else content[section].setdefault(name, {})
    key = key or name
    if value is None:
        del entry[key]
    else:
        entry[key] = value
    return thresholds.Thresholds(content)


def test_a_changed_threshold_reaches_the_rule_and_its_description():
    content = generate.files(changed("alerts", "HostCpuHigh", "above_percent", 62.5))
    rule = content["odoo_alerts_hosts"][0].content()["rules"][0]
    assert rule["expr"].endswith("> 62.5")
    assert "the threshold is 62.5%" in rule["annotations"]["description"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("alerts", "HostCpuHigh", "above_percent", "70%"),
            ("alerts.HostCpuHigh.above_percent", "'70%'", "without a unit"),
        ),
        (("alerts", "HostCpuHigh", "above_percent", 170), ("alerts.HostCpuHigh.above_percent", "170", "0 to 100")),
        (("alerts", "HostCpuHigh", "above_percent", -1), ("alerts.HostCpuHigh.above_percent", "-1", "0 or more")),
        (
            ("alerts", "HostCpuHigh", "above_percent", True),
            ("alerts.HostCpuHigh.above_percent", "True", "not a number"),
        ),
        (
            ("alerts", "HostCpuHigh", "above_percent", float("nan")),
            ("alerts.HostCpuHigh.above_percent", "nan", "not a number"),
        ),
        (("alerts", "HostCpuHigh", "above_percent", 85), ("HostCpuHigh.above_percent", "HostCpuCritical", "before")),
        (("alerts", "HostCpuHigh", "above_percent", None), ("alerts.HostCpuHigh.above_percent", "missing", "add it")),
        (
            ("alerts", "HostCpuHigh", "abvoe_percent", 70),
            ("alerts.HostCpuHigh.abvoe_percent", "above_percent", "Remove"),
        ),
        (("alerts", "HostCpuHigh", "for", 15), ("alerts.HostCpuHigh.for", "15", "15m")),
        (("alerts", "HostCpuHigh", "for", "quarter of an hour"), ("alerts.HostCpuHigh.for", "quarter", "15m")),
        (("alerts", "HostCpuHigh", None, None), ("alerts.HostCpuHigh is missing", "add", "above_percent")),
        (("alerts", "HostCpuHihg", "for", "1m"), ("alerts.HostCpuHihg", "HostCpuHigh", "Remove")),
        (("objectives", "webhook", "good_percent", 100), ("objectives.webhook.good_percent", "100", "less than 100")),
        (("working_hours", "business", "from_hour", 18), ("working_hours.business", "whole hours of one day")),
        (("working_hours", "business", "until_weekday", 7), ("working_hours.business", "weekdays of one week")),
        (("working_hours", "business", "from_hour", 8.5), ("working_hours.business", "whole hours of one day")),
        (("alerts", "KycQueueOld", "for", "11h"), ("alerts.KycQueueOld.for", "11h", "lower it")),
        (("links", "unknown", "bytes_per_second", 0), ("links.unknown.bytes_per_second", "0", "more than 0")),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_key_and_a_remedy(change, words):
    with pytest.raises(thresholds.ThresholdError) as refused:
        generate.files(changed(*change))
    assert all(word in str(refused.value) for word in words), refused.value


def test_a_file_that_is_not_yaml_is_refused(tmp_path):
    (tmp_path / "odoo.yml").write_text("alerts: {HostCpuHigh: {above_percent: 70")
    with pytest.raises(thresholds.ThresholdError, match="odoo.yml can't be read"):
        thresholds.read(tmp_path)


def test_each_part_has_its_thresholds_in_a_file_of_its_own():
    declared = generate.alerts_in(generate.files(thresholds.Thresholds(thresholds.read())))
    for path in thresholds.FOLDER.glob("*.yml"):
        parts = {alert.part for alert in declared if alert.name in yaml.safe_load(path.read_text())["alerts"]}
        assert parts == {path.stem}


def test_an_entry_of_two_files_is_refused(tmp_path):
    for name in ("odoo.yml", "influencegen.yml"):
        (tmp_path / name).write_text("alerts: {HostCpuHigh: {above_percent: 70, for: 15m}}")
    with pytest.raises(thresholds.ThresholdError, match="alerts.HostCpuHigh is in odoo.yml and in another file"):
        thresholds.read(tmp_path)


ANONYMOUS = re.compile(
    r"odoo_request_queue_\w+|odoo_http_\w+|odoo_application_errors?_\w+|odoo_ui_\w+|odoo_active_sessions\w*"
    r"|odoo_telemetry_(errors|browser|labels)_\w+|influencer_registration\w*|influencer_onboarding_\w+"
)
"""What anybody on the internet can raise or lower by requests alone, without an account."""


def test_nothing_that_anonymous_clients_send_pages_on_call():
    found = [rule for group in promtool.groups() for rule in group["rules"]]
    recorded = {rule["record"]: rule["expr"] for rule in found if "record" in rule}

    def expanded(expression):
        names = set(re.findall(r"(?:influencegen|telemetry):[\w:]+", expression))
        return expression + "".join(expanded(recorded[name]) for name in sorted(names & recorded.keys()))

    paging = {
        alert["alert"]: ANONYMOUS.findall(expanded(alert["expr"]))
        for alert in ALERTS
        if alert["labels"]["severity"] == "critical" and alert["labels"]["team"] != "business"
    }
    assert len(paging) > 10
    assert not {name: found for name, found in paging.items() if found}
