"""axe-core finds nothing serious in what the addon shows.

Odoo's own bars and control panels, and the other blocks of its settings, are left out: they are Odoo's.
"""

from axe_playwright_python.sync_playwright import Axe

from tests.pages.browsing import open_overview
from tests.pages.test_overview import end_alert, raise_alert

SERIOUS = {"serious", "critical"}


def findings(page, *selectors, without=(), rules_off=()):
    """Return what is seriously wrong in the elements of the selectors, with the place.

    without: selectors of what is Odoo's own within them; rules_off: rules that Odoo's own elements break.
    """
    context = {"include": [[selector] for selector in selectors], "exclude": [[selector] for selector in without]}
    results = Axe().run(page, context, {"rules": {rule: {"enabled": False} for rule in rules_off}})
    return [
        (violation["id"], node["target"], node["failureSummary"])
        for violation in results.response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def test_axe_finds_what_is_wrong(chromium):
    page = chromium.new_page()
    page.set_content("<html lang='en'><title>x</title><main><img src='x.png'></main></html>")
    found = findings(page, "main")
    page.close()
    assert [finding for finding, _place, _why in found] == ["image-alt"]


def test_overview(page, business):
    raise_alert(business, "It burns", alertname="TelemetryErrors", tile="telemetry")
    open_overview(page)
    assert findings(page, ".o_telemetry_page", ".o_telemetry_span") == []
    end_alert(business, alertname="TelemetryErrors", tile="telemetry")


def test_metrics(page):
    page.goto("/odoo/telemetry-metrics")
    page.fill(".o_telemetry_search", "http request")
    page.wait_for_selector(".o_telemetry_detail canvas")
    assert findings(page, ".o_telemetry_page") == []


def test_settings(page):
    page.goto("/odoo/action-odoo_telemetry.settings_action")
    block = ".app_settings_block[data-key=odoo_telemetry]"
    page.wait_for_selector(f"{block} [name=telemetry_alertmanager_url]")
    # the muted text under each of Odoo's settings has a contrast of 4.33, not 4.5
    assert findings(page, block, without=[f"{block} .text-muted", f"{block} h3"]) == []


def test_systray(page, business, admin):
    raise_alert(business, "It burns", alertname="ItBurns")
    [user] = admin.call("res.users", "search", [("login", "=", "admin")])
    admin.call("res.users", "write", [user], {"telemetry_alerts": True})
    page.goto("/odoo/telemetry-metrics")
    page.click(".o_telemetry_systray")
    page.wait_for_selector(".o_telemetry_menu")
    # the items of Odoo's menus have an aria-selected, which is for those of lists
    assert findings(page, ".o_telemetry_menu", ".o_telemetry_systray", rules_off=["aria-allowed-attr"]) == []
    end_alert(business, alertname="ItBurns")
