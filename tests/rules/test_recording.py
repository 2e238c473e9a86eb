"""The recording rules give what they promise, and nothing that nobody asked for."""

import re

import pytest

from . import promtool
from .recording_cases import CASES

# the tiers' rules are all made alike: tests/storage and prometheus/tests/tiers.yml have their tests
RECORDED = [rule for group in promtool.groups() for rule in group["rules"]
            if rule.get("record", "").startswith("influencegen:")]
EVERYTHING = ('round(label_replace({__name__=~"influencegen:.+"}, "rule", "$1", "__name__", "influencegen:(.+)"), '
              '0.001)')


def sample(name, value):
    """What promtool is to find: `name` is a rule with its labels."""
    rule, labels = re.fullmatch(r"([^{]+)\{?([^}]*)\}?", name).groups()
    return {"labels": f'{{rule="{rule}"{", " if labels else ""}{labels}}}', "value": round(value, 3)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_they_give_what_they_promise(case, tmp_path):
    wrong = promtool.run(tmp_path, promtool.groups(*case.files), {
        "name": case.name,
        "interval": f"{case.every}s",
        "input_series": promtool.input_series(case.series),
        "promql_expr_test": [{
            "expr": EVERYTHING,
            "eval_time": f"{case.hours}h",
            "exp_samples": [sample(name, value) for name, value in case.expected.items()],
        }],
    }, case.evaluated)
    assert not wrong


def test_they_give_nothing_when_nothing_is_scraped(tmp_path):
    assert not promtool.run(tmp_path, promtool.groups(), {
        "name": "nothing is scraped",
        "interval": "1m",
        "promql_expr_test": [{"expr": '{__name__=~"influencegen:.+"}', "eval_time": "2h", "exp_samples": []}],
    }, "1h")


@pytest.mark.parametrize("rule", sorted({rule["record"] for rule in RECORDED}))
def test_each_has_a_case_with_traffic(rule):
    name = re.escape(rule.removeprefix("influencegen:"))
    assert any(value and re.fullmatch(rf"{name}(\{{.*)?", sample) for case in CASES
               for sample, value in case.expected.items())


@pytest.mark.parametrize("rule", sorted({rule["record"] for rule in RECORDED}))
def test_they_are_named_alike(rule):
    operations = "rate|ratio|percent|avg|avg_hours|max|sum|count|p50|p90|p95|p99|increase|delta"
    assert re.fullmatch(rf"influencegen:[a-z0-9_]+:(({operations})_\d+[mhd]|max|sum|percent)", rule)


def test_none_is_there_twice():
    assert len(RECORDED) == len({(rule["record"], str(rule.get("labels"))) for rule in RECORDED})
