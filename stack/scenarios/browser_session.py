"""A session of a member of staff in a real browser, and its page loads compared with what telemetry counted."""

from collections import Counter
from typing import TYPE_CHECKING

from stack.console import StackError
from stack.provide import browser
from stack.system import System
from stack.verify import reconcile
from stack.verify.reconcile import Line

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

LOADS = "odoo_ui_page_load_time_seconds_count"
# No other browser of the demo has a user with this role, so only this session is counted under it.
LOGIN, ROLE = "demo.manager", "manager"
ACTION = "influencegen.influencer_action"
# A form has list views of its own, and rows in them.
ROW = ".o_data_row:not(.o_form_view *)"
SENT_TO = "/telemetry/browser"
DRAWN = """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => requestIdleCallback(done), 100)))"""
TIMEOUT_MS = 120_000


class BrowserSession:
    """The session of a demonstration, compared with what has been counted since this object was created."""

    def __init__(self, system: System):
        self._system = system
        self._before = reconcile.exposed(system, [LOADS])
        self._loads: Counter[str] = Counter()

    def visit(self) -> None:
        """Log in, open pages and views, and leave; raises Playwright's Error where that is not possible."""
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser.chromium())
            page = chromium.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            self._work(page)
            chromium.close()

    def lines(self) -> list[Line]:
        """Return a line for each page, action and view that was opened."""
        names = [LOADS]
        rows = {self._key(route): number for route, number in self._loads.items()}
        counters, prometheus = (
            {key: values.get(key, 0.0) - self._before.get(key, 0.0) for key in rows}
            for values in (reconcile.exposed(self._system, names), reconcile.stored(self._system, names))
        )
        return reconcile.lines(rows, counters, prometheus, names)

    def _work(self, page: "Page") -> None:
        url = self._system.url("web")
        page.goto(f"{url}/web/login?redirect=/odoo/action-{ACTION}")
        page.fill("#login", LOGIN)
        page.fill("#password", self._system.layout.secret("staff"))
        page.click(".oe_login_form button[type=submit]")
        self._shown(page, ROW, "/odoo/<path:subpath>")
        page.click(f"{ROW} .o_data_cell >> nth=0")
        self._shown(page, ".o_form_view .o_field_widget", f"{ACTION}/form")
        page.click(".o_breadcrumb .breadcrumb-item a >> nth=0")
        self._shown(page, ROW, f"{ACTION}/list")
        page.click(".o_switch_view.o_kanban")
        self._shown(page, ".o_kanban_record:not(.o_kanban_ghost)", f"{ACTION}/kanban")
        # closing the browser may lose what the last page sends, so wait until it is sent
        last = f"{url}/influencegen/register"
        with page.expect_event("requestfinished", lambda sent: sent.url.endswith(SENT_TO) and _sender(sent) == last):
            page.goto(last)
            self._shown(page, "#registration_consent", "/influencegen/register")

    def _shown(self, page: "Page", selector: str, route: str) -> None:
        page.wait_for_load_state("load")
        page.wait_for_selector(selector)
        # what is on the screen is measured a moment later: once it is drawn, and before the browser is idle
        page.evaluate(DRAWN)
        self._loads[route] += 1

    @staticmethod
    def _key(route: str) -> tuple[str, reconcile.Labels]:
        return LOADS, frozenset({"route": route, "user_role": ROLE}.items())


def _sender(request: "Request") -> str | None:
    """Return the address of the page that sends a request."""
    return request.headers.get("referer")


def browser_starts() -> bool:
    """Return whether a browser can be started; print why not."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            playwright.chromium.launch(executable_path=browser.chromium()).close()
    except (StackError, Error) as error:
        print(f"  no browser can be started, so browser metrics are missing: {error}")
        return False
    return True
