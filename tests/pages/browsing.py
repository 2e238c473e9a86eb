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


def choose(page, field, text, option):
    """Type ``text`` into a relation's field, and choose the option that contains ``option``."""
    page.locator(f".o_field_widget[name={field}] input").last.fill(text)
    page.locator(".o-autocomplete--dropdown-item").filter(has_text=option).first.click()


def open_custom_metric(page):
    """Show the form of a new custom metric of influencers."""
    page.goto("/odoo/action-odoo_telemetry.own_metric_action/new")
    page.fill(".o_field_widget[name=name] input", "influencers")
    choose(page, "model_id", "influencegen.influencer", "Influencer")
    choose(page, "user_id", "Administrator", "Administrator")


def label_by_state(page):
    """Add the label ``state`` to the form of the custom metric, and return the preview with it."""
    page.click(".o_field_x2many_list_row_add a")
    choose(page, "field_id", "state", "State")
    preview = page.locator(".o_telemetry_preview")
    preview.locator("th").filter(has_text="state").wait_for()
    return preview


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
