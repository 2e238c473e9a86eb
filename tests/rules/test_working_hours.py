"""When alerts of team business start and end, by the clock: a case begins on a Thursday at midnight."""

import pytest

from . import promtool

THURSDAY, FRIDAY, MONDAY = 0, 24, 96
WAITS = 'influencer_kyc_queue_oldest_age_seconds{{instance="a", state="{}"}}'
FIRING = 'count by (state) (ALERTS{alertname="KycQueueOld", alertstate="firing"})'


def firing(folder, waits, *expected):
    """Check at which hours which queues are reported as old: pairs of an hour and of states.

    waits: the hours in which the queue of a state is old, as pairs of its beginning and its end.
    """
    rules = promtool.needed_by("KycQueueOld", promtool.groups(), given="-")
    return promtool.run(
        folder,
        rules,
        {
            "name": "by the clock",
            "interval": "1m",
            "input_series": promtool.input_series(
                {
                    WAITS.format(state): f"0x{60 * begins - 1} 100000x{60 * (ends - begins) - 1} 0x{60 * 24}"
                    for state, (begins, ends) in waits.items()
                }
            ),
            "promql_expr_test": [
                {
                    "expr": FIRING,
                    "eval_time": f"{round(hour * 60)}m",
                    "exp_samples": [{"labels": f'{{state="{state}"}}', "value": 1} for state in states],
                }
                for hour, states in expected
            ],
        },
        "1m",
    )


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        # it must last for an hour
        ((THURSDAY + 10, THURSDAY + 14), [(10.9, ""), (11, "r"), (13.9, "r"), (14.1, "")]),
        ((THURSDAY + 3, THURSDAY + 14), [(7.9, ""), (8, "r"), (13.9, "r")]),
        ((THURSDAY + 17, FRIDAY + 14), [(17.9, ""), (18, ""), (23, ""), (31.9, ""), (32, "r")]),
        ((THURSDAY + 15, THURSDAY + 22), [(17.9, "r"), (18.1, "r"), (21.9, "r"), (22.1, "")]),
        ((THURSDAY + 19, THURSDAY + 23), [(19.9, ""), (20.1, ""), (22.9, ""), (32, "")]),
        ((FRIDAY + 16, MONDAY + 12), [(FRIDAY + 17.1, "r"), (60, "r"), (MONDAY + 7, "r"), (MONDAY + 12.1, "")]),
        ((FRIDAY + 20, MONDAY + 12), [(60, ""), (MONDAY + 7.9, ""), (MONDAY + 8, "r")]),
    ],
    ids=[
        "within",
        "since the night",
        "too late to start",
        "ends in the evening",
        "in the evening alone",
        "through the weekend",
        "since Friday evening",
    ],
)
def test_it_starts_in_working_hours_and_ends_at_any_time(waits, expected, tmp_path):
    assert not firing(tmp_path, {"review": waits}, *((hour, ["review"] if state else []) for hour, state in expected))


def test_one_that_fires_lets_no_other_start(tmp_path):
    waits = {"review": (10, 22), "submitted": (19, 22)}
    assert not firing(tmp_path, waits, (18.5, ["review"]), (21.9, ["review"]))
