"""Full page loads: the histogram moves by what the browser itself measured."""

from collections import Counter

import pytest

from odoo_telemetry.metrics import catalogue
from stack.scenarios.portal import Influencer, picture
from tests.waiting import until

from .metrics import LATENCY, LOADS, REFUSED, VITALS

INPUT_MEASURED = """() => new Promise((done) => {
    new PerformanceObserver(() => requestIdleCallback(() => setTimeout(done)))
        .observe({ type: "first-input", buffered: true });
})"""


def test_loads_are_those_that_the_browser_measured(tab, metrics):
    seconds = [tab.open(path) for path in ("/influencegen/register", "/web/login", "/influencegen/register")]
    tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 3, "the loads are counted")
    assert metrics.moved(f"{LOADS}_count") == {("/influencegen/register", "public"): 2, ("/web/login", "public"): 1}
    assert metrics.total(f"{LOADS}_sum") == pytest.approx(sum(seconds), abs=1e-6)
    assert metrics.moved(f"{LOADS}_sum")["/web/login", "public"] == pytest.approx(seconds[1], abs=1e-6)
    moved = Counter()
    for (bound, _route, _role), number in metrics.moved(f"{LOADS}_bucket").items():
        moved[float(bound)] += number
    bounds = (*catalogue.PAGE_LOAD_BUCKETS, float("inf"))
    expected = {bound: sum(value <= bound for value in seconds) for bound in bounds}
    assert moved == Counter(expected)


def test_the_web_vitals_of_a_page(tab, metrics):
    tab.open("/influencegen/register")
    tab.page.click("#registration_name")
    tab.page.keyboard.type("Ada")
    tab.page.evaluate(INPUT_MEASURED)
    tab.leave()
    until(lambda: metrics.total(f"{VITALS[2]}_count") == 1, "the vitals are counted")
    paint, interaction, shift = (metrics.moved(f"{name}_sum") for name in VITALS)
    assert [metrics.moved(f"{name}_count") for name in VITALS] == [{("public",): 1}] * 3
    assert 0 < paint["public",] < 60
    assert 0 < interaction["public",] < 10
    assert 0 <= shift.get(("public",), 0) < 1


def test_values_are_sent_while_a_page_stays_open(tab, metrics):
    tab.open("/influencegen/register")
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted", 30)


def test_a_form_of_the_portal_is_timed_until_its_page_is_loaded(stack, tab, metrics, admin):
    person = Influencer(stack.url("odoo"))
    tab.open("/influencegen/register")
    tab.page.fill("#registration_name", person.name)
    tab.page.fill("#registration_email", person.email)
    tab.page.fill("#registration_birthdate", person.birthdate.isoformat())
    tab.page.check("#registration_consent")
    tab.page.click("form[action='/influencegen/register'] button[type=submit]")
    tab.page.wait_for_selector(".lead")
    registered = tab.loaded()
    [user] = admin.call("res.users", "search", [("login", "=", person.email)])
    admin.call("res.users", "write", [user], {"password": person.email})
    tab.log_in(person.email, person.email, "/my/influencegen")
    logged_in = tab.loaded()
    tab.page.set_input_files("input[name=document]", {
        "name": "passport.png", "mimeType": "image/png", "buffer": picture(),
    })  # fmt: skip
    # sent by a script, which shows the progress
    tab.page.wait_for_function("odoo.loader?.modules.has('@influencegen/upload')")
    tab.page.click("#influencegen_kyc button[type=submit]")
    tab.page.wait_for_selector("input[name=document]", state="detached")
    uploaded = tab.loaded()
    tab.leave()
    until(lambda: metrics.total(f"{LATENCY}_count") == 3, "the forms are counted")
    assert metrics.moved(f"{LATENCY}_count") == {
        ("register", "public"): 1, ("log_in", "influencer"): 1, ("submit_document", "influencer"): 1,
    }  # fmt: skip
    assert metrics.moved(f"{LATENCY}_sum")["register", "public"] == pytest.approx(registered, abs=1e-6)
    assert metrics.moved(f"{LATENCY}_sum")["log_in", "influencer"] == pytest.approx(logged_in, abs=1e-6)
    # the upload itself, and then the load of the page
    assert metrics.moved(f"{LATENCY}_sum")["submit_document", "influencer"] > uploaded
    loads = metrics.moved(f"{LOADS}_count")
    assert loads["/my/influencegen", "influencer"] == 2
    assert loads["/influencegen/register", "public"] == 2


HIDDEN = """
    let hidden = true;
    Object.defineProperties(Document.prototype, {
        hidden: {get: () => hidden},
        visibilityState: {get: () => hidden ? "hidden" : "visible"},
    });
    window.show = (shown) => {
        hidden = !shown;
        document.dispatchEvent(new Event("visibilitychange"));
    };
"""


def test_a_tab_in_the_background_is_not_a_load(tab, new_tab, metrics):
    tab.page.add_init_script(HIDDEN)
    tab.open("/influencegen/register")
    # its reader comes when it is loaded, and did not wait for it
    tab.page.evaluate("() => window.show(true)")
    tab.leave()
    seen = new_tab()
    seen.open("/web/login")
    seen.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load that was seen is counted")
    assert metrics.moved(f"{LOADS}_count") == {("/web/login", "public"): 1}


def test_a_prerendered_page_is_waited_for_since_its_activation(tab, metrics):
    tab.page.add_init_script(
        HIDDEN
        + """
        let activationStart = 0;
        Object.defineProperty(document, "prerendering", {get: () => hidden, configurable: true});
        Object.defineProperty(PerformanceNavigationTiming.prototype, "activationStart", {get: () => activationStart});
        window.activate = (moment) => {
            activationStart = moment;
            window.show(true);
            document.dispatchEvent(new Event("prerenderingchange"));
        };
    """
    )
    seconds = tab.open("/influencegen/register")
    tab.page.evaluate("(moment) => window.activate(moment)", 1000 * seconds - 50)
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted", 30)
    assert metrics.total(f"{LOADS}_sum") == pytest.approx(0.05, abs=1e-6)
    tab.leave()


def test_a_prerendered_page_that_nobody_opens_is_not_a_load(tab, new_tab, metrics):
    tab.page.add_init_script(HIDDEN + "Object.defineProperty(document, 'prerendering', {get: () => hidden});")
    tab.open("/influencegen/register")
    tab.leave()
    other = new_tab()
    other.open("/web/login")
    other.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the other load is counted")
    assert metrics.moved(f"{LOADS}_count") == {("/web/login", "public"): 1}


def test_of_so_many_tabs_in_a_hundred(new_tab, metrics, sample):
    sample(50)
    for number in (60, 40):
        tab = new_tab()
        # an empty page has no storage
        tab.page.add_init_script(f"try {{ sessionStorage.odoo_telemetry_sample ??= {number} }} catch {{}}")
        for _load in range(number // 20):
            tab.open("/influencegen/register")
        tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") >= 2, "the loads of the second tab are counted")
    assert metrics.total(f"{LOADS}_count") == 2


def test_of_none(new_tab, metrics, sample):
    sample(0)
    tab = new_tab()
    for path in ("/influencegen/register", "/web/login"):
        tab.open(path)
        assert '"odoo_telemetry":' not in tab.page.content()
    tab.leave()
    sample(100)
    tab.open("/influencegen/register")
    assert '"odoo_telemetry":' in tab.page.content()
    tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted")
    assert metrics.moved(REFUSED) == {}


def test_a_browser_that_can_not_measure_shows_the_page(tab):
    tab.page.add_init_script("""
        delete window.PerformanceObserver;
        Object.defineProperty(window, "sessionStorage", {get() { throw new Error("not here"); }});
        Object.defineProperty(Navigator.prototype, "sendBeacon", {value() { throw new Error("not here"); }});
    """)
    tab.open("/influencegen/register")
    tab.page.fill("#registration_name", "Ada")
    assert tab.page.input_value("#registration_name") == "Ada"
    tab.leave()
