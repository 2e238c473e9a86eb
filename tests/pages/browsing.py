"""An administrator's browser on the running system."""

from contextlib import contextmanager

from stack.scenarios.traffic import password
from stack.services.odoo import DATABASE

DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def administrator_page(system, chromium, viewport=DESKTOP):
    """Log in as Odoo's administrator, and give the page; errors of its scripts fail the test at the end."""
    context = chromium.new_context(viewport=viewport, base_url=system.url("odoo"), service_workers="block")
    page = context.new_page()
    page.set_default_timeout(120_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # without opening the web client, which complains if it is left while it loads
    who = {"db": DATABASE, "login": "admin", "password": password(system.layout)}
    answer = context.request.post("/web/session/authenticate", data={"jsonrpc": "2.0", "params": who})
    assert answer.json()["result"]["uid"], answer.text()
    try:
        yield page
    finally:
        context.close()
    assert not errors, errors


def open_overview(page, span="week"):
    """Show the overview of a span, complete: monitoring has answered, or said why not."""
    page.goto("/odoo/telemetry")
    page.click(f"[data-span={span}]")
    page.wait_for_selector(".o_telemetry_page[aria-busy=false]")


def tile(page, name):
    """Return the tile of a name."""
    return page.locator(f".o_telemetry_tile[data-name={name}]")


def details(page, name):
    """Return {what: value, as text} of what a tile says in detail."""
    return dict(
        page.eval_on_selector_all(
            f".o_telemetry_tile[data-name={name}] .o_telemetry_details > div",
            "rows => rows.map(row => [row.querySelector('dt').textContent, row.querySelector('dd').textContent])",
        )
    )
