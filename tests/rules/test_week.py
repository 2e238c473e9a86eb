"""A week of ordinary traffic notifies nobody; the same traffic with a fault does."""

import pytest

from . import ordinary, promtool
from .alert_cases import WORKING_HOURS

pytestmark = pytest.mark.slow
NOTIFIED = (
    'count by (alertname, severity) (count_over_time(ALERTS{{alertstate="firing", alertname!="DeadMansSwitch"}}[{}d]))'
)


def rules():
    """All alerts, after the recording rules that they are made of, each once."""
    every = promtool.groups()
    needed = [rule for group in every for rule in group["rules"] if "alert" in rule]
    chosen = []
    for alert in needed:
        chosen += [rule for rule in promtool.needed_by(alert["alert"], every)[0]["rules"] if rule not in chosen]
    return [{"name": "all", "rules": chosen}]


@pytest.mark.parametrize(
    ("days", "evaluated", "n8n_down", "notified"),
    [
        (7, "5m", range(0), {}),
        (1, "1m", range(0), {}),
        (1, "2m", range(1000, 1010), {"N8nDown": "critical", "PlatformAvailabilityBudgetBurnSlow": "warning"}),
    ],
    ids=["an ordinary week", "an ordinary day", "n8n is down for ten minutes"],
)
def test_who_is_notified_of_what(days, evaluated, n8n_down, notified, tmp_path):
    wrong = promtool.run(
        tmp_path,
        rules(),
        {
            "name": f"{days} days",
            "interval": "1m",
            "input_series": promtool.input_series(ordinary.series(days, n8n_down) | WORKING_HOURS),
            "promql_expr_test": [
                {
                    "expr": NOTIFIED.format(days),
                    "eval_time": f"{days * 24 * 60 - 1}m",
                    "exp_samples": [
                        {"labels": f'{{alertname="{alert}", severity="{severity}"}}', "value": 1}
                        for alert, severity in notified.items()
                    ],
                }
            ],
        },
        evaluated,
    )
    assert not wrong
