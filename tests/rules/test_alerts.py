"""Each alert fires just beyond its threshold, when it must and not earlier, with the right words, and recovers."""

import pytest

from . import promtool
from .alert_cases import CASES, DESCRIPTIONS, JOBS

GROUPS = promtool.groups()
ALERTS = {rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule}


# an error budget is used up over days
CHECKED = [
    pytest.param(alert, marks=[pytest.mark.slow] if "BudgetBurn" in alert else [])
    for alert in sorted(ALERTS.keys() - {"DeadMansSwitch"})
]


@pytest.mark.parametrize("alert", CHECKED)
def test_it_fires_beyond_its_threshold_and_recovers(alert, tmp_path):
    cases = [case for case in CASES if case.alert == alert]
    assert cases
    assert not promtool.check(tmp_path, promtool.needed_by(alert, GROUPS), cases)


def test_each_description_is_of_a_case():
    assert DESCRIPTIONS.keys() == {case.description or case.alert for case in CASES}


def test_the_dead_mans_switch_always_fires(tmp_path):
    wrong = promtool.run(
        tmp_path,
        promtool.needed_by("DeadMansSwitch", GROUPS),
        {
            "name": "nothing is scraped",
            "promql_expr_test": [
                {"expr": "count(ALERTS)", "eval_time": moment, "exp_samples": [{"labels": "{}", "value": 1}]}
                for moment in ("0s", "1h")
            ],
        },
        "1m",
    )
    assert not wrong


def test_nothing_else_fires_when_nothing_is_scraped(tmp_path):
    wrong = promtool.run(
        tmp_path,
        GROUPS,
        {
            "name": "nothing is scraped",
            "promql_expr_test": [
                {
                    "expr": "count by (alertname) (ALERTS)",
                    "eval_time": "12h",
                    "exp_samples": [
                        {"labels": f'{{alertname="{alert}"}}', "value": loud}
                        for alert, loud in (("DeadMansSwitch", 1), ("JobMissing", len(JOBS)), ("BackupMissing", 3))
                    ],
                }
            ],
        },
        "30m",
    )
    assert not wrong
