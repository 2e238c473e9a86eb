"""The overview in a real browser, on a system with Prometheus and Alertmanager."""

import re
import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import requests
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from stack.verify import reconcile
from tests.pages.browsing import details, open_overview, tile
from tests.waiting import until

TILES = ("registrations", "funnel", "images", "payments", "errors", "alerts", "backups", "telemetry")


def exposed(stack, *names):
    """Return {(name, *label values): value} of /metrics."""
    return {
        (name, *(value for _label, value in sorted(labels))): int(value)
        for (name, labels), value in reconcile.exposed(stack, names).items()
    }


def number(text):
    """Return a value on a page as the number that it is."""
    return int(text.replace(",", ""))


def shown(page, name):
    return number(tile(page, name).locator(".o_telemetry_value").inner_text())


def raise_alert(stack, summary, **labels):
    """Have Alertmanager know of an alert."""
    alert = {
        "labels": {"severity": "critical", **labels},
        # so long ago that it comes first
        "startsAt": "2020-01-01T00:00:00Z",
        "annotations": {"summary": summary, "runbook_url": "https://example.com/runbook"},
    }
    requests.post(stack.url("alertmanager", "/api/v2/alerts"), json=[alert], timeout=10).raise_for_status()


def end_alert(stack, **labels):
    alert = {
        "labels": {"severity": "critical", **labels},
        "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2020-01-02T00:00:00Z",
    }
    requests.post(stack.url("alertmanager", "/api/v2/alerts"), json=[alert], timeout=10).raise_for_status()


def test_values_equal_those_of_metrics(page, business, admin):
    open_overview(page)
    values = exposed(
        business,
        "influencer_registration_attempts_total",
        "influencer_registration_success_total",
        "payment_processing_success_total",
        "payment_processing_failures_total",
        "ai_image_generation_success_total",
        "ai_image_generation_failures_total",
    )
    registrations, payments, images = (
        {what: number(value) for what, value in details(page, name).items() if value.replace(",", "").isdigit()}
        for name in ("registrations", "payments", "images")
    )
    assert registrations["successful attempts (total)"] == values["influencer_registration_success_total",] > 0
    assert registrations["attempts (total)"] == values["influencer_registration_attempts_total",]
    # what was deleted stays counted
    assert shown(page, "registrations") == admin.call(
        "influencegen.influencer", "search_count", [("source", "!=", "backoffice")]
    )
    active = shown(page, "funnel")
    until(lambda: exposed(business, "influencer_active")["influencer_active",] == active, "the database is read again")
    assert payments["paid"] == values["payment_processing_success_total",]
    assert payments["failed"] == values["payment_processing_failures_total",]
    assert images["images stored"] == values["ai_image_generation_success_total",]
    lost = sum(value for (name, *_), value in values.items() if name == "ai_image_generation_failures_total")
    assert images["failed"] == lost


def test_a_value_equals_the_list_that_it_leads_to(page, business, admin):
    # a list is of the companies that are selected, whatever companies other tests have made
    [user] = admin.call("res.users", "search_read", [("login", "=", "admin")], ["company_ids"])
    companies = "-".join(map(str, user["company_ids"]))
    page.context.add_cookies([{"name": "cids", "value": companies, "url": business.url("odoo")}])
    open_overview(page)
    count = shown(page, "registrations")
    tile(page, "registrations").get_by_role("button").click()
    pager = page.locator(".o_pager_limit, .o_pager_counter .o_pager_limit").first
    pager.wait_for()
    assert number(pager.inner_text()) == count
    page.go_back()
    page.wait_for_selector(".o_telemetry_tile")


def test_every_tile_has_a_chart_that_is_drawn(page):
    open_overview(page)
    for name in TILES:
        canvas = tile(page, name).locator("canvas")
        assert canvas.count() == 1, name
        assert canvas.evaluate(
            "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        ), name
        assert canvas.get_attribute("aria-label").startswith(tile(page, name).locator("h2").inner_text()), name


def test_charts_take_their_colours_from_the_theme(page):
    page.goto("/odoo/telemetry")
    page.add_style_tag(content=":root { --primary: rgb(1, 2, 3) !important; }")
    page.click("[data-span=week]")
    page.wait_for_selector(".o_telemetry_page[aria-busy=false]")
    colour = (
        tile(page, "registrations")
        .locator("canvas")
        .evaluate("canvas => Chart.getChart(canvas).data.datasets[0].backgroundColor")
    )
    assert colour == "rgb(1, 2, 3)"


def test_backups_are_those_of_prometheus(page, business):
    open_overview(page)
    assert set(details(page, "backups")) == {
        series["metric"]["backup"] for series in reconcile.query(business, "backup_last_success_timestamp_seconds > 0")
    }


def test_an_alert_shows_in_the_overview(page, business):
    summary = f"Telemetry fails {time.time()}"
    raise_alert(business, summary, alertname="TelemetryErrors", tile="telemetry")

    def shown():
        open_overview(page)
        return tile(page, "alerts").get_by_text(summary).count()

    until(shown, "the overview shows the alert", 180)
    assert tile(page, "alerts").get_by_role("link", name="Runbook").first.get_attribute("href").startswith("https://")
    assert re.fullmatch(
        "1 firing alert|[0-9]+ firing alerts", tile(page, "telemetry").locator(".o_telemetry_state").inner_text()
    )
    end_alert(business, alertname="TelemetryErrors", tile="telemetry")


def test_an_alert_shows_in_the_systray_of_who_asked_for_it(page, business, admin):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/odoo/telemetry-metrics")
    page.wait_for_selector(".o_telemetry_metric")
    assert not page.locator(".o_telemetry_systray").count()
    assert not [url for url in asked if "read_firing" in url]

    summary = f"It burns {time.time()}"
    raise_alert(business, summary, alertname="ItBurns")
    [user] = admin.call("res.users", "search", [("login", "=", "admin")])
    admin.call("res.users", "write", [user], {"telemetry_alerts": True})

    def shown():
        page.goto("/odoo/telemetry-metrics")
        page.wait_for_selector(".o_telemetry_systray .badge")
        page.locator(".o_telemetry_systray").press("Enter")
        # the web client may still be loading, and take no notice of a key
        with suppress(PlaywrightTimeoutError):
            menu.wait_for(timeout=10_000)
        return item.count()

    menu = page.locator(".o_telemetry_menu")
    item = menu.get_by_role("menuitem").filter(has_text=summary)
    until(shown, "the systray shows the alert", 180)
    assert item.count() <= int(page.locator(".o_telemetry_systray .badge").inner_text())
    assert item.get_attribute("href") == "https://example.com/runbook"
    menu.get_by_text("Overview").click()
    page.wait_for_selector(".o_telemetry_tile")
    end_alert(business, alertname="ItBurns")


def test_what_does_not_answer_is_shown_in_its_tile_and_breaks_nothing(page, admin):
    names = ("odoo_telemetry.prometheus_url", "odoo_telemetry.alertmanager_url")
    before = {name: admin.call("ir.config_parameter", "get_param", name) for name in names}
    try:
        for name in names:
            admin.call("ir.config_parameter", "set_param", name, "http://127.0.0.1:9")
        page.goto("/odoo/telemetry")
        tile(page, "backups").get_by_text("127.0.0.1:9 does not respond").wait_for()
        tile(page, "alerts").get_by_text("127.0.0.1:9 does not respond").wait_for()
        assert shown(page, "registrations")
        assert tile(page, "registrations").locator("canvas").count() == 1
    finally:
        for name, value in before.items():
            admin.call("ir.config_parameter", "set_param", name, value)


def test_it_can_be_used_by_keyboard(page):
    page.goto("/odoo/telemetry")
    page.wait_for_selector(".o_telemetry_tile")
    page.focus("[data-span=hour]")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-span=week][aria-pressed=true]")
    tile(page, "funnel").get_by_role("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".o_list_view")


def test_the_explorer_finds_a_metric_and_shows_its_series(page, business):
    page.goto("/odoo/telemetry-metrics")
    page.fill(".o_telemetry_search", "kyc verifications decided")
    expect(page.locator(".o_telemetry_found")).to_have_text("Metrics found: 1")
    name = "influencer_kyc_verifications_total"
    assert page.locator("#telemetry-metric").inner_text() == name
    values = page.locator(".o_telemetry_number").all_inner_texts()
    assert sorted(map(number, values)) == sorted(exposed(business, name).values())
    page.fill(".o_telemetry_search", "")
    page.select_option(".o_telemetry_kind", "histogram")
    page.select_option(".o_telemetry_group", "business")
    expect(page.locator(".o_telemetry_metric").first).to_have_attribute("data-name", re.compile("_seconds$"))
    shown = page.locator(".o_telemetry_metric").evaluate_all("all => all.map(one => one.dataset.name)")
    assert "influencer_kyc_verification_automated_step_latency_seconds" in shown
    assert not [metric for metric in shown if metric.endswith("_total")]
    link = page.get_by_role("link", name="Open in Prometheus").get_attribute("href")
    # Debian's Prometheus has no pages of its own to open; what the link asks is a query that it understands
    [query] = parse_qs(urlsplit(link).query)["g0.expr"]
    assert "histogram_quantile" in query
    reconcile.query(business, query)
