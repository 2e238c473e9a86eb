"""Errors of scripts in the browser, and pages that stay blank: counted by page, bounded, and without their texts."""

import pytest

from tests.waiting import until

from .metrics import ERRORS, LOADS

WEB_CLIENT = "/odoo/action-influencegen.influencer_action"
THROW = "() => void setTimeout(() => { throw new TypeError('Ada Lovelace is not defined'); })"
REJECT = "() => void Promise.reject(new RangeError('Ada'))"
WITHOUT_END = """() => {
    window.errorsBegan = performance.now();
    window.errors = setInterval(() => { throw new Error("again"); }, 5);
}"""
END = "() => { clearInterval(errors); return (performance.now() - errorsBegan) / 1000; }"
OF_OTHERS = """() => {
    class RPCError extends Error {
        name = "RPC_ERROR";
    }
    class ConnectionLostError extends Error {}
    Promise.reject(new RPCError("Odoo refused it"));
    Promise.reject(new ConnectionLostError());
    Promise.reject(new Error("The following error occurred in onWillStart", { cause: new RPCError() }));
    Promise.reject(new DOMException("left", "AbortError"));
    Promise.reject();
    dispatchEvent(new ErrorEvent("error", { message: "ResizeObserver loop completed" }));
}"""
FORGET = """async () => {
    localStorage.clear();
    for (const { name } of await indexedDB.databases()) {
        indexedDB.deleteDatabase(name);
    }
}"""
"""Odoo 19.0 keeps the menus in the browser."""
NO_MENUS = "**/web/webclient/load_menus**"


SENDING = """
    const send = navigator.sendBeacon;
    navigator.sendBeacon = function (address, body) {
        console.debug(`sent: ${body}`);
        return send.apply(this, arguments);
    };
"""
AT_ONCE = """
    const wait = setTimeout;
    setTimeout = (work, milliseconds, ...more) => wait(work, milliseconds === 10000 ? 0 : milliseconds, ...more);
"""
"""Runs the check for blank pages at once."""


@pytest.fixture
def failing(new_tab):
    """A function that opens a tab whose scripts may fail; it returns the tab, and a list of what the tab sends."""

    def new():
        tab, sent = new_tab(), []
        tab.errors = Forgiven()
        tab.page.add_init_script(SENDING)
        tab.page.on("console", lambda message: sent.append(message.text) if message.text.startswith("sent:") else None)
        return tab, sent

    return new


class Forgiven(list):
    """Errors that a test makes."""

    def __bool__(self):
        return False


def test_what_nothing_catches_is_counted_by_page_and_its_text_stays_there(failing, metrics):
    tab, sent = failing()
    tab.open("/web/login")
    tab.page.evaluate(OF_OTHERS)
    tab.page.evaluate(THROW)
    tab.page.wait_for_timeout(1100)
    tab.page.evaluate(REJECT)
    tab.leave()
    until(lambda: metrics.total(ERRORS) == 2, "the errors are counted")
    assert metrics.moved(ERRORS) == {("script", "/web/login", "public"): 2}
    assert '["error","script",1]' in "".join(sent)
    assert not [text for text in sent if "Ada" in text or "Error" in text]


def test_errors_without_end_are_bounded_and_do_not_displace_the_rest(failing, metrics):
    tab, _sent = failing()
    tab.open("/web/login")
    tab.page.evaluate(WITHOUT_END)
    tab.page.wait_for_timeout(2500)
    seconds = tab.page.evaluate(END)
    tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted")
    until(lambda: metrics.total(ERRORS) >= 2, "the errors are counted")
    assert metrics.total(ERRORS) <= seconds + 1


def test_a_web_client_that_stays_blank_is_seen(stack, failing, metrics):
    tab, _sent = failing()
    tab.log_in("admin", stack.layout.secret("admin"), WEB_CLIENT)
    tab.page.wait_for_selector(".o_list_renderer")
    tab.page.route(NO_MENUS, lambda route: route.fulfill(status=500, body="{}"))
    tab.page.evaluate(FORGET)
    until(lambda: metrics.total(f"{LOADS}_count") == 2, "the login and the web client are counted")
    metrics.begin()
    tab.page.reload()
    until(
        lambda: metrics.moved(ERRORS).get(("blank", "/odoo/<path:subpath>", "admin")), "the blank page is counted", 60
    )
    assert metrics.moved(ERRORS)["script", "/odoo/<path:subpath>", "admin"] >= 1


def test_a_page_that_is_drawn_is_not_blank(tab, metrics):
    tab.page.add_init_script(AT_ONCE)
    tab.open("/web/login")
    tab.page.evaluate("() => new Promise((done) => setTimeout(done, 10000))")
    tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted")
    assert not metrics.moved(ERRORS)
