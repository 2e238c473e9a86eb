"""The form of a custom metric: in the terms of Prometheus, with the series that it would export now."""

import re

import pytest

from tests.pages.browsing import label_by_state, open_custom_metric
from tests.pages.test_accessibility import findings


def select(page, field, option):
    """Choose ``option`` of a selection field; 18.0 has an element of HTML for it, 19.0 a menu."""
    widget = page.locator(f".o_field_widget[name={field}]")
    if widget.locator("select").count():
        widget.locator("select").select_option(label=option)
    else:
        widget.locator("input").click()
        page.locator(".o_select_menu_item").filter(has_text=option).click()


@pytest.fixture
def form(page):
    """The form of a new custom metric of influencers, not saved."""
    open_custom_metric(page)
    return page


def test_its_series_are_previewed_before_it_is_saved(form, admin):
    preview = label_by_state(form)
    rows = preview.locator("tbody tr").evaluate_all(
        "rows => rows.map(({ cells }) => [cells[1].textContent, cells[0].textContent])"
    )
    assert {state: int(value.replace(",", "")) for state, value in rows} == {
        state: admin.call("influencegen.influencer", "search_count", [("state", "=", state)])
        for state in ("registered", "kyc_pending", "active", "suspended", "rejected")
    }
    assert preview.locator("canvas").get_attribute("aria-label").startswith("Preview: ")
    assert findings(form, ".o_telemetry_preview") == []
    assert not admin.call("telemetry.own.metric", "search_count", [("name", "=", "influencers")])


def test_its_terms_are_those_of_prometheus(form):
    # without the mark of what has a help text
    labels = [text.rstrip("?").strip() for text in form.locator(".o_form_label").all_inner_texts()]
    assert [name for name in ("Type", "Model", "Filter", "Aggregation") if name not in labels] == []
    assert form.locator(".o_horizontal_separator").filter(has_text="Labels").count() == 1
    # a counter begins at 0, whatever there is
    select(form, "kind", "Counter: created records")
    form.locator(".o_telemetry_preview .o_telemetry_number").filter(has_text=re.compile("^0$")).wait_for()
    assert form.locator(".o_telemetry_preview .o_telemetry_number").count() == 1
