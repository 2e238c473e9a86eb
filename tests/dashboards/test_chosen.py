"""Panels show what a variable selects, and nothing else: with made-up series, by promtool."""

import re

import pytest

from tests.rules import promtool

from .reading import ASKED, interpolated

EXPRESSIONS = {asked.name: asked.target["expr"] for asked in ASKED}
FUNNEL, SLO = "onboarding-funnel: ", "slo: "


def counted(name, growth, labels=""):
    """A counter of each database that two servers read from it: what it grows by in a minute."""
    return {
        f'{name}{{instance="{server}", database="{database}"{labels}}}': f"0+{by}x120"
        for database, by in growth.items()
        for server in ("one", "two")
    }


def _decided(outcome):
    return f', outcome="{outcome}", verification_type="manual"'


SERIES = {
    'odoo_telemetry_threshold{instance="one", database="a"}': "1x120",
    **counted("influencer_registration_attempts_total", {"a": 2, "b": 2}),
    **counted("influencer_registration_success_total", {"a": 1, "b": 2}),
    **counted("influencer_kyc_submissions_total", {"a": 1, "b": 1}),
    **counted(
        "influencer_kyc_verifications_total", {"a": 1, "b": 0}, ', outcome="approved", verification_type="manual"'
    ),
    **counted(
        "influencer_kyc_verifications_total", {"a": 0, "b": 1}, ', outcome="rejected", verification_type="manual"'
    ),
    'api_external_kyc_service_errors_total{instance="one", database="a", status_code_class="5xx"}': "0+6x120",
    'api_external_kyc_service_errors_total{instance="one", database="b", status_code_class="5xx"}': "0+3x120",
    **counted("influencer_onboarding_kyc_manual_review_time_seconds_sum", {"a": 7200, "b": 3600}),
    **counted("influencer_onboarding_kyc_manual_review_time_seconds_count", {"a": 1, "b": 1}),
}


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        (".*", {"Registration success rate (1 h) A": 75, "KYC approval rate (24 h) A": 50,
                "Manual review time (24 h) A": 5400, "Funnel (selected range) A": 240,
                "Conversion by step (selected range) A": 75, "Conversion by step (selected range) D": 25,
                "KYC decisions per hour B": 60, "KYC service errors per minute A": 9}),
        ("a", {"Registration success rate (1 h) A": 50, "KYC approval rate (24 h) A": 100,
               "Manual review time (24 h) A": 7200, "Funnel (selected range) A": 120,
               "Conversion by step (selected range) A": 50, "Conversion by step (selected range) D": 50,
               "KYC decisions per hour B": 60, "KYC service errors per minute A": 6}),
    ],
    ids=["all", "one"],
)  # fmt: skip
def test_the_funnel_is_of_the_selected_database(database, shown, tmp_path):
    assert not asked_for(tmp_path, "1m", SERIES, "2h", {FUNNEL + name: value for name, value in shown.items()},
                         database=database)  # fmt: skip


@pytest.mark.parametrize("objective", [".*", "webhook"])
def test_an_error_budget_is_of_the_selected_objective_over_30_days(objective, tmp_path):
    """Of 100 calls an hour a tenth of the budget fails, but for the days before the last 30, when all failed."""
    failed = "100x100 0.01x720"
    series = {
        f'tier:slo_{what}:increase{{slo="{name}"}}': values
        for name in ("webhook", "callback")
        for what, values in (("events", "100x821"), ("failed", failed))
    }
    left = "Remaining error budget (30 d) "
    shown = {f"{SLO}{left}A": 90, f"{SLO}{left}B": 90 if objective == ".*" else None}
    assert not asked_for(tmp_path, "1h", series, "821h", shown, slo=objective)


def asked_for(tmp_path, interval, series, moment, shown, **chosen):
    """What promtool finds wrong: `shown` has the value of each query, by its name; None stands for no data."""

    def sent(expr):
        for name, value in chosen.items():
            expr = re.sub(rf"\${name}\b", value, expr)
        return interpolated(expr)

    return promtool.run(
        tmp_path,
        [],
        {
            "name": "chosen",
            "interval": interval,
            "input_series": promtool.input_series(series),
            "promql_expr_test": [
                {
                    "expr": f"round(sum({sent(EXPRESSIONS[name])}), 0.01)",
                    "eval_time": moment,
                    "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
                }
                for name, value in shown.items()
            ],
        },
        interval,
    )
