"""The web client: opening an action or a view counts as a page load, and what users do is timed by name."""

import pytest

from stack.scenarios.browser_session import ROW
from tests.waiting import until

from .metrics import LATENCY, LOADS

LIST, FORM, KANBAN = (f"influencegen.influencer_action/{view}" for view in ("list", "form", "kanban"))
WATCH = """(selector) => {
    const seen = (window.seen = {});
    addEventListener("click", (event) => (seen.clicked ??= event.timeStamp), true);
    new MutationObserver(() => {
        if (seen.clicked && !seen.shown && document.querySelector(selector)) {
            seen.shown = performance.now();
        }
    }).observe(document.body, { childList: true, subtree: true });
}"""


@pytest.fixture
def moves(web_client, metrics):
    """A function that waits until the series of a metric have moved by ``expected`` ({first label: number})."""

    def wait(name, expected):
        wanted = {(label, "admin"): number for label, number in expected.items()}
        until(lambda: metrics.total(f"{name}_count") >= sum(expected.values()), f"{name} {expected}")
        assert metrics.moved(f"{name}_count") == wanted

    return wait


def search(page, text):
    """Search the list for a text, and see it found."""
    page.fill(".o_searchview_input", text)
    page.press(".o_searchview_input", "Enter")
    page.wait_for_selector(f".o_searchview_facet:has-text('{text}')")
    page.wait_for_function(
        "([row, text]) => { const rows = document.querySelectorAll(row);"
        " return rows.length === 1 && rows[0].textContent.includes(text); }", arg=[ROW, text],
    )  # fmt: skip


def open_form(page):
    """Open the first row of the list."""
    page.click(f"{ROW} .o_data_cell >> nth=0")
    page.wait_for_selector(".o_form_view")


def back_to_list(page):
    """Go back by the breadcrumb."""
    page.click(".o_breadcrumb .breadcrumb-item a >> nth=0")
    page.wait_for_selector(ROW)


def test_each_action_and_view_is_a_load(web_client, moves, influencer):
    page = web_client.page
    page.reload()
    page.wait_for_selector(ROW)
    open_form(page)
    back_to_list(page)
    page.click(".o_switch_view.o_kanban")
    page.wait_for_selector(".o_kanban_renderer")
    page.wait_for_url(lambda url: "view_type=kanban" in url)
    page.click(".o_menu_sections [data-menu-xmlid='influencegen.menu_campaigns']")
    page.click("[data-menu-xmlid='influencegen.menu_campaign']")
    page.wait_for_selector(".o_breadcrumb:has-text('Campaigns')")
    page.wait_for_url(lambda url: "view_type=kanban" not in url)
    page.wait_for_selector(".o_kanban_renderer")
    page.go_back()
    page.wait_for_selector(".o_breadcrumb:has-text('Influencers')")
    moves(LOADS, {
        "/odoo/<path:subpath>": 1, FORM: 1, LIST: 1, KANBAN: 2, "influencegen.campaign_action/kanban": 1,
    })  # fmt: skip


@pytest.mark.parametrize("where", ["form", "list"])
def test_a_load_lasts_from_the_click_until_it_is_shown(web_client, metrics, influencer, where):
    page = web_client.page
    search(page, influencer)
    if where == "list":
        open_form(page)
        until(lambda: metrics.total(f"{LOADS}_count") == 1, "the form is counted")
        metrics.begin()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", {
        "offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1,
    })  # fmt: skip
    page.evaluate(WATCH, {"form": ".o_form_view .o_field_widget", "list": ROW}[where])
    (open_form if where == "form" else back_to_list)(page)
    page.wait_for_function("() => window.seen.shown")
    seen, now = page.evaluate("() => [window.seen, performance.now()]")
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted")
    least, most = ((moment - seen["clicked"]) / 1000 for moment in (seen["shown"], now + 500))
    assert 0.3 < least <= metrics.total(f"{LOADS}_sum") <= most


def test_what_users_do_with_a_record(web_client, moves, influencer):
    page = web_client.page
    search(page, influencer)
    open_form(page)
    page.fill("[name=name] input, [name=name] textarea", f"{influencer} Lovelace")
    page.click(".o_form_button_save")
    page.wait_for_selector(".o_form_saved")
    page.fill("[name=name] input, [name=name] textarea", "somebody else")
    page.click(".o_form_button_cancel")
    page.wait_for_selector(".o_form_saved")
    page.click("button[name=action_start_kyc]")
    page.wait_for_selector("button[name=action_start_kyc]", state="detached")
    moves(LATENCY, {"search": 1, "open_form": 1, "save": 1, "press_button": 1})


def test_another_view(web_client, moves):
    page = web_client.page
    page.click(".o_switch_view.o_kanban")
    page.wait_for_selector(".o_kanban_renderer")
    page.click(".o_switch_view.o_graph")
    page.wait_for_selector(".o_graph_renderer, .o_graph_view .o_view_nocontent")
    moves(LATENCY, {"switch_view": 2})


def test_the_request_of_an_image(web_client, moves, admin):
    page = web_client.page
    [model] = admin.call("influencegen.image.model", "search_read", [], ["name"], limit=1)
    page.click(".o_menu_sections [data-menu-xmlid='influencegen.menu_images']")
    page.click("[data-menu-xmlid='influencegen.menu_image_request']")
    page.wait_for_selector(".modal .o_form_view")
    page.click(".modal [name=model_id] input")
    page.click(f".modal .o-autocomplete--dropdown-item:has-text('{model['name']}')")
    page.fill(".modal [name=prompt] textarea", "A poster of a cat")
    page.click(".modal button[name=action_request]")
    page.wait_for_selector(".o_form_view [name=uuid]")
    moves(LATENCY, {"request_image": 1, "open_form": 1})
    moves(LOADS, {"influencegen.image/form": 1})


def test_a_form_that_can_not_be_saved_is_not_a_save(web_client, moves):
    page = web_client.page
    page.click(".o_list_button_add")
    page.wait_for_selector(".o_form_view")
    page.click(".o_form_button_save")
    page.wait_for_selector(".o_field_invalid")
    page.click(".o_form_button_cancel")
    page.wait_for_selector(".o_list_renderer")
    moves(LATENCY, {"open_form": 1})


def test_what_is_still_to_be_sent_goes_when_the_tab_is_left(web_client, metrics, influencer):
    page = web_client.page
    search(page, influencer)
    open_form(page)
    page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(true), 50)))")
    web_client.leave()
    until(lambda: metrics.moved(f"{LOADS}_count") == {(FORM, "admin"): 1}, "the form is counted")


def test_what_a_hidden_tab_draws_later_is_not_timed(web_client, metrics, moves):
    page = web_client.page
    page.evaluate("""() => {
        let hidden = false;
        Object.defineProperty(document, "hidden", {get: () => hidden});
        addEventListener("click", () => {
            hidden = true;
            document.dispatchEvent(new Event("visibilitychange"));
            hidden = false;
        }, {once: true});
    }""")
    page.click(".o_switch_view.o_kanban")
    page.wait_for_selector(".o_kanban_renderer")
    page.click(".o_switch_view.o_graph")
    page.wait_for_selector(".o_graph_renderer, .o_graph_view .o_view_nocontent")
    moves(LATENCY, {"switch_view": 1})
