"""Every query of every panel, asked of the running system after business: it answers, soon, and plausibly."""

import contextlib
import re

import pytest

from stack.verify import coverage, reconcile
from tests.waiting import until

from .reading import ASKED, DASHBOARDS, each_dashboard, interpolated
from .running import may_be_empty, values

LIMIT_SECONDS = 5


def test_each_query_answers_soon_with_what_its_unit_allows(running, subtests):
    for asked in ASKED:
        with subtests.test(asked.name):
            check(running, asked)


def check(running, asked):
    """Check what a query finds, and how long that takes."""
    found, seconds = running.ask(asked)
    assert seconds < LIMIT_SECONDS
    if not found and not may_be_empty(asked):
        found = until(lambda: running.ask(asked)[0], "there is data again: a scrape may have failed on a busy machine")
    assert len(found) <= 40, "more than anybody can distinguish"
    unit = asked.panel["fieldConfig"]["defaults"]["unit"]
    most = {"percent": 100 + 1e-6, "s": 86400 * 365, "currencyUSD": 100}.get(unit, float("inf"))
    if asked.panel["title"] == "Conversion by step (selected range)":
        most = float("inf")
    for series in found:
        assert all(0 <= value <= most for value in values(series)), series
        for label in re.findall(r"\{\{(\w+)\}\}", asked.target["legendFormat"]):
            assert label in series["metric"], f"{series['metric']} has no {label} to be called after"


def test_every_metric_of_the_specification_has_samples(running):
    with contextlib.suppress(AssertionError):
        until(lambda: not coverage.missing(running.stack), "Prometheus has samples of each, and of its rule")
    assert coverage.missing(running.stack) == {}


@each_dashboard
def test_what_can_be_chosen_is_there(running, dashboard):
    for variable in dashboard["templating"]["list"]:
        # this system has no label `cluster`
        if variable["type"] == "query" and variable["name"] != "cluster":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            assert running.labels(interpolated(series), label)


def test_a_restart_is_marked(running):
    [annotation] = [
        annotation
        for annotation in DASHBOARDS["n8n_ai_integration_performance"]["annotations"]["list"]
        if annotation["name"] == "Deployments and restarts"
    ]
    [others] = reconcile.query(running.stack, 'namedprocess_namegroup_num_procs{service_name="aiservice"}')
    if float(others["value"][1]) > 1:
        pytest.skip("another system on this machine has an AI service, which was not started again")

    def restarted():
        found = reconcile.query(running.stack, interpolated(annotation["expr"], rate_interval="10m"))
        return "aiservice" in {series["metric"]["service_name"] for series in found}

    until(restarted, "the restart of the AI service is seen")


@each_dashboard
def test_annotations_can_be_asked_for(running, dashboard):
    for annotation in dashboard["annotations"]["list"]:
        for series in reconcile.query(running.stack, interpolated(annotation["expr"])):
            for label in re.findall(r"\{\{(\w+)\}\}", annotation["titleFormat"] + annotation["textFormat"]):
                assert label in series["metric"]


# Title of a value, and the rows that it is of.
GAUGES = {
    ("business-operations-overview", "Active influencers"): ("influencegen.influencer", ("state", "=", "active")),
    ("onboarding-funnel", "Active influencers"): ("influencegen.influencer", ("state", "=", "active")),
    ("onboarding-funnel", "KYC backlog"): ("influencegen.kyc", ("state", "in", ("submitted", "review"))),
    ("ai-image-generation-service-kpis", "Pending images"): (
        "influencegen.image",
        ("state", "in", ("requested", "processing")),
    ),
}


@pytest.mark.parametrize(("panel", "rows"), GAUGES.items(), ids=[f"{uid}: {title}" for uid, title in GAUGES])
def test_a_value_of_now_is_what_odoo_s_list_shows(running, panel, rows):
    until(lambda: running.value(*panel) == running.count(*rows), f"{panel} agrees with {rows}", 120)


COUNTED = {
    ("ai-image-generation-service-kpis", "Requests (24 h)"): ("influencegen.image",),
    ("business-operations-overview", "AI images (24 h)"): ("influencegen.image",),
    ("business-operations-overview", "Payments per hour"): ("influencegen.payment.attempt",),
}


@pytest.mark.parametrize(("panel", "rows"), COUNTED.items(), ids=[f"{uid}: {title}" for uid, title in COUNTED])
def test_what_was_counted_is_what_odoo_s_list_shows(running, panel, rows):
    """Within 10% and one: increase() extrapolates, and leaves out what was there when Prometheus started."""
    until(
        lambda: abs(running.value(*panel) - running.count(*rows)) <= 1 + 0.1 * running.count(*rows),
        f"{panel} agrees with {rows}",
        120,
    )


def test_applications_by_campaign_are_those_of_odoo_s_list(running):
    [asked] = [asked for asked in ASKED if asked.panel["title"] == "Applications by campaign (1 h)"]

    def agrees():
        shown = {series["metric"]["campaign_id"]: values(series)[0] for series in running.ask(asked)[0]}
        return shown and all(
            abs(value - running.count("influencegen.application", ("campaign_id", "=", int(campaign)))) <= 2
            for campaign, value in shown.items()
        )

    until(agrees, "what each campaign shows agrees with its applications", 120)


def test_what_share_succeeds_is_that_of_the_rows(running):
    paid, failed = (
        running.count("influencegen.payment.attempt", ("state", "=", state)) for state in ("paid", "failed")
    )
    expected = 100 * paid / (paid + failed)
    until(
        lambda: abs(running.value("business-operations-overview", "Payment success rate (1 h)") - expected) < 10,
        f"payments that succeed: {expected} %",
        120,
    )
