"""The recording rules give what they promise, and nothing that nobody asked for."""

import json
import re
from pathlib import Path

import pytest

from influencegen_telemetry.business import catalogue
from prometheus.generator import promql

from . import promtool
from .recording_cases import CASES

PREFIXES = ("influencegen:", "telemetry:")
# the tiers' rules are all made alike: tests/storage and prometheus/tests/tiers.yml have their tests
RECORDED = [
    rule for group in promtool.groups() for rule in group["rules"] if rule.get("record", "").startswith(PREFIXES)
]
ROOT = Path(__file__).parents[2]
OF_ALL = re.compile(r"(max|min) (by|without) \([^)]+\) \((rate\(|increase\(|delta\(|(avg|last)_over_time\()?$")
EVERYTHING = (
    'round(label_replace({__name__=~"(influencegen|telemetry):.+"}, "rule", "$1", "__name__", "[a-z]+:(.+)"), 0.001)'
)


def sample(name, value):
    """What promtool is to find: `name` is a rule with its labels."""
    rule, labels = re.fullmatch(r"([^{]+)\{?([^}]*)\}?", name).groups()
    return {"labels": f'{{rule="{rule}"{", " if labels else ""}{labels}}}', "value": round(value, 3)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_they_give_what_they_promise(case, tmp_path):
    wrong = promtool.run(
        tmp_path,
        promtool.groups(*case.files),
        {
            "name": case.name,
            "interval": f"{case.every}s",
            "input_series": promtool.input_series(case.series),
            "promql_expr_test": [
                {
                    "expr": EVERYTHING,
                    "eval_time": f"{case.hours}h",
                    "exp_samples": [sample(name, value) for name, value in case.expected.items()],
                }
            ],
        },
        case.evaluated,
    )
    assert not wrong


def test_they_give_nothing_when_nothing_is_scraped(tmp_path):
    assert not promtool.run(
        tmp_path,
        promtool.groups(),
        {
            "name": "nothing is scraped",
            "interval": "1m",
            "promql_expr_test": [
                {"expr": '{__name__=~"(influencegen|telemetry):.+"}', "eval_time": "2h", "exp_samples": []}
            ],
        },
        "1h",
    )


def test_each_has_a_case_with_traffic():
    given = {sample.partition("{")[0] for case in CASES for sample, value in case.expected.items() if value}
    assert {rule["record"] for rule in RECORDED if rule["record"].partition(":")[2] not in given} == set()


def test_they_are_named_alike():
    operations = "rate|ratio|percent|avg|avg_hours|max|sum|count|p50|p90|p95|p99|increase|delta|lead"
    name = re.compile(rf"(influencegen|telemetry):[a-z0-9_]+:(({operations})_\d+[mhd]|max|sum|percent)")
    assert {rule["record"] for rule in RECORDED if not name.fullmatch(rule["record"])} == set()


def test_none_is_there_twice():
    assert len(RECORDED) == len({(rule["record"], str(rule.get("labels"))) for rule in RECORDED})


@pytest.fixture(scope="module")
def expressions():
    """A list of (where, expression) of all rules, panels and runbooks."""
    found = [
        (rule.get("record") or rule["alert"], rule["expr"]) for group in promtool.groups() for rule in group["rules"]
    ]
    for path in (ROOT / "grafana_dashboards").glob("*/**/*.json"):
        found += [(path.stem, json.loads(expression)) for expression in re.findall(r'"expr": (".+")', path.read_text())]
    for path in (ROOT / "docs" / "runbooks").glob("*/*.md"):
        found += [(path.stem, text) for text in re.findall(r"```promql\n(.+?)```", path.read_text(), re.DOTALL)]
    return found


def test_what_all_servers_of_a_database_export_is_not_added_up(expressions):
    """Each selector of it is within the maximum (or minimum) over instances."""
    names = "|".join(metric.name for metric in catalogue.METRICS.values() if promql.in_database(metric))
    series = re.compile(rf"(?<![\w:])({names})(_bucket|_sum|_count)?(?![\w:])")
    wrong = [
        (where, expression)
        for where, expression in expressions
        for found in series.finditer(expression)
        if not OF_ALL.search(expression[: found.start()])
    ]
    assert not wrong
