"""Unit tests of Prometheus's rules, run by promtool."""

import json
import os
import re
import subprocess
from pathlib import Path

import yaml

from stack.services import prometheus

RULES = Path(__file__).parents[2] / "prometheus" / "rules"
_RECORDED = re.compile(r"((?:influencegen|telemetry):[a-z0-9_]+:[a-z0-9_]+)(?:\{([^}]*)\})?")
_EQUAL = re.compile(r'(\w+)="([^"]*)"')


def groups(*names: str) -> list[dict]:
    """Return the groups of rules in the named files of prometheus/rules/, without `.yml`; of all files if none is."""
    paths = [RULES / f"{name}.yml" for name in names] or sorted(RULES.glob("*.yml"))
    return [group for path in paths for group in yaml.safe_load(path.read_text())["groups"]]


def run(folder: Path, rules: list[dict], test: dict, evaluated: str) -> str:
    """Run one test, see :func:`run_all`, that evaluates rules every `evaluated`, such as '1m'."""
    return run_all(folder, rules, {evaluated: [test]})


def run_all(folder: Path, rules: list[dict], tests: dict[str, list[dict]]) -> str:
    """Run tests of these groups of rules, evaluated in their order; return what is wrong, or nothing.

    folder: where the files for promtool are written.
    tests: as promtool wants them, see https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/,
        by the time between two evaluations.
    """
    # JSON is YAML, and is written and read faster
    (folder / "rules.yml").write_text(json.dumps({"groups": rules}))
    files = []
    for evaluated, cases in tests.items():
        files.append(folder / f"{evaluated}.yml")
        files[-1].write_text(
            json.dumps(
                {
                    "rule_files": ["rules.yml"],
                    "evaluation_interval": evaluated,
                    "group_eval_order": [group["name"] for group in rules],
                    "tests": cases,
                }
            )
        )
    command = [prometheus.executable("promtool"), "test", "rules", *files]
    # a quarter less CPU time than with Go's default, for some more memory
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "GOGC": "400"})
    return "" if result.returncode == 0 else result.stdout + result.stderr


def check(folder: Path, rules: list[dict], cases: list) -> str:
    """Run the cases of an alert, which is the last of the rules; return what is wrong, or nothing."""
    alert = rules[-1]["rules"][-1]
    tests: dict[str, list] = {}
    for case in cases:
        tests.setdefault(f"{case.every}s", []).extend(case.tests(alert))
    return run_all(folder, rules, tests)


def input_series(series: dict[str, str]) -> list[dict]:
    """Return series and their values, in promtool's notation, as promtool wants them."""
    return [{"series": name, "values": values} for name, values in series.items()]


def needed_by(alert: str, rules: list[dict], given: str = "influencegen:working_hours:") -> list[dict]:
    """Return the alert's rule, as the last one, after those that it is made of, in a group of their own.

    given: how the names of rules begin that are left out, because the test gives their series.
    """
    every = [rule for group in rules for rule in group["rules"]]
    recorded: dict[str, list] = {}
    for rule in every:
        if "record" in rule:
            recorded.setdefault(rule["record"], []).append(rule)
    wanted: list[dict] = []

    def want(expression):
        for name, matchers in dict.fromkeys(_RECORDED.findall(expression)):
            if name.startswith(given):
                continue
            for rule in recorded[name]:
                if _may_match(rule, matchers) and rule["expr"] != expression and rule not in wanted:
                    want(rule["expr"])
                    wanted.append(rule)

    (rule,) = (rule for rule in every if rule.get("alert") == alert)
    want(rule["expr"])
    return [{"name": alert, "rules": [*wanted, rule]}]


def _may_match(rule: dict, matchers: str) -> bool:
    """Return whether series that the rule records may have the labels that a selector asks for."""
    labels = rule.get("labels", {})
    return all(labels.get(label, value) == value for label, value in _EQUAL.findall(matchers))
