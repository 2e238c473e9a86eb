"""What changes over time, in a real browser: comparisons of the overview, and the explorer's chart by Prometheus."""

import re

import pytest
from playwright.sync_api import expect

from stack.verify import reconcile
from tests.pages.browsing import open_overview, tile
from tests.pages.test_accessibility import findings
from tests.waiting import until

CHART = ".o_telemetry_history canvas"
DRAWN = """canvas => {
    const { data, scales } = Chart.getChart(canvas);
    return {
        series: data.datasets.map(({ label }) => label),
        values: data.datasets.flatMap(({ data }) => data.map(({ y }) => y)),
        times: scales.x.ticks.map(({ value }) => value),
        names: scales.x.ticks.map(({ label }) => label),
        steps: scales.y.ticks.map(({ value }) => value),
        labels: scales.y.ticks.map(({ label }) => label),
    };
}"""


def show(page, name, period="hour"):
    """Show a metric in the explorer, over a period; return its chart."""
    page.goto("/odoo/telemetry-metrics")
    page.fill(".o_telemetry_search", name)
    page.click(f".o_telemetry_metric[data-name={name}]")
    chart = page.locator(f"{CHART}[aria-label^='{name}: ']")
    chart.wait_for()
    if period != "hour":
        page.select_option(".o_telemetry_period", period)
        page.wait_for_selector(".o_telemetry_history[aria-busy=true]")
        chart.wait_for()
    return chart.evaluate(DRAWN)


def test_a_counter_a_histogram_and_a_gauge_are_drawn_with_their_labels(page, business):
    rate = "rate(influencer_kyc_verifications_total[5m])"
    until(lambda: reconcile.query(business, rate), "Prometheus has a rate", 180)
    for name, what, label in (
        ("influencer_kyc_verifications_total", "Rate per second", r"(automated|manual|approved|rejected)\b"),
        ("odoo_http_request_duration_seconds", "p95", "/"),
        ("influencers", "Value", r"(active|kyc_pending|rejected|suspended|inactive|registered)\b"),
        ("odoo_workers_configured", "Value", ""),
    ):
        chart = show(page, name)
        assert page.locator(".o_telemetry_drawn").inner_text().startswith(what)
        assert 0 < len(chart["series"]) <= 6, name
        assert all(re.match(label, shown) for shown in chart["series"]), (name, chart["series"])
        assert [value for value in chart["values"] if value is not None], name
    assert findings(page, ".o_telemetry_page") == []


def test_axes_have_round_steps_with_units(page, business):
    chart = show(page, "odoo_http_request_duration_seconds")
    [step] = {round(after - before, 9) for before, after in zip(chart["steps"], chart["steps"][1:], strict=False)}
    assert re.fullmatch(r"[125]0*", f"{step:.9f}".replace(".", "").strip("0")), step
    assert all(re.fullmatch(r"[\d.,]+ m?s", label) for label in chart["labels"]), chart["labels"]
    assert all(re.fullmatch(r"\d\d:[0-5][05]", name) for name in chart["names"]), chart["names"]


def test_series_that_are_not_drawn_are_counted(page, business):
    chart = show(page, "odoo_http_requests_total", "week")
    more = page.locator(".o_telemetry_more")
    expect(more).to_have_text(re.compile(r"and \d+ more series"))
    assert len(chart["series"]) == 6


def test_it_can_be_used_by_keyboard(page):
    show(page, "influencers")
    period = page.locator(".o_telemetry_period")
    period.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".o_telemetry_history[aria-busy=true]")
    page.wait_for_selector(".o_telemetry_history[aria-busy=false]")
    assert period.input_value() == "today"
    assert page.locator(CHART).evaluate(DRAWN)["series"]


def test_loading_shows_and_prometheus_that_does_not_answer_is_named(page, admin):
    name = "odoo_telemetry.prometheus_url"
    before = admin.call("ir.config_parameter", "get_param", name)
    held = []
    page.route("**/read_history*", lambda route: held.append(route))
    try:
        admin.call("ir.config_parameter", "set_param", name, "http://127.0.0.1:9")
        page.goto("/odoo/telemetry-metrics")
        page.click(".o_telemetry_metric[data-name=influencers]")
        history = page.locator(".o_telemetry_history")
        history.get_by_text("Reading…").wait_for()
        until(lambda: held or page.wait_for_timeout(100), "it is asked", 30)
        assert findings(page, ".o_telemetry_page") == []
        for route in held:
            route.continue_()
        history.get_by_text("127.0.0.1:9 does not respond").wait_for()
        # the present values are shown all the same
        page.wait_for_selector(".o_telemetry_detail canvas")
        assert findings(page, ".o_telemetry_page") == []
    finally:
        admin.call("ir.config_parameter", "set_param", name, before)


def test_without_prometheus_there_is_no_history(page, admin):
    name = "odoo_telemetry.prometheus_url"
    before = admin.call("ir.config_parameter", "get_param", name)
    try:
        admin.call("ir.config_parameter", "set_param", name, False)
        page.goto("/odoo/telemetry-metrics")
        page.click(".o_telemetry_metric[data-name=influencers]")
        page.wait_for_selector(".o_telemetry_detail canvas")
        assert not page.locator(".o_telemetry_history").count()
    finally:
        admin.call("ir.config_parameter", "set_param", name, before)


@pytest.mark.parametrize(
    ("comparison", "text", "colour"),
    [
        ({"change": 12, "state": "none"}, "+12% vs. previous 7 days (1,234)", "text-body"),
        ({"change": -8.4, "state": "good"}, "-8.4% vs. previous 7 days (1,234), better", "text-success"),
        ({"change": 2.5, "points": True, "state": "bad"}, "+2.5 pp vs. previous 7 days (1,234), worse", "text-danger"),
        ({"change": 0, "state": "none", "subject": "Errors"}, "Errors: 0% vs. previous 7 days (1,234)", "text-body"),
    ],
)
def test_a_comparison_is_shown_in_words_and_coloured_where_one_is_better(page, business, comparison, text, colour):
    def compare(route):
        answer = route.fetch()
        content = answer.json()
        shown = {"points": False, "before": 1234, "unit": "count", "period": "previous 7 days", "subject": False}
        content["result"][0]["comparison"] = {**shown, **comparison}
        route.fulfill(response=answer, json=content)

    page.route("**/read_tiles*", compare)
    open_overview(page)
    line = tile(page, "registrations").locator(".o_telemetry_comparison")
    assert re.sub(r"\s+", " ", line.text_content()).replace(" ,", ",").strip() == text
    assert colour in line.locator("i").get_attribute("class")
    assert findings(page, ".o_telemetry_page") == []
