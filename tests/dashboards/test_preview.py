"""Every dashboard as people see it: drawn in a real Chromium from the live system, at a desk and on a phone."""

import pytest

from grafana_dashboards import preview

# What a person can't read: its text is cut off, leaves its panel, or is tiny.
ILLEGIBLE = """
() => [...document.querySelectorAll("[data-panel]")].flatMap((panel) => {
  const frame = panel.getBoundingClientRect();
  const scrolls = (element) =>
    element !== panel && (/auto|scroll/.test(getComputedStyle(element).overflowY) || scrolls(element.parentElement));
  return [...panel.querySelectorAll("*")].flatMap((element) => {
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!text.length) {
      return [];
    }
    const range = document.createRange();
    range.selectNodeContents(element);
    const box = range.getBoundingClientRect();
    const style = getComputedStyle(element);
    const wrong = [
      style.display !== "inline" && element.scrollWidth > element.clientWidth + 1 && "is cut off",
      (box.left < frame.left - 1 || box.right > frame.right + 1) && "leaves its panel sideways",
      (box.top < frame.top - 1 || box.bottom > frame.bottom + 1) && !scrolls(element) && "leaves its panel",
      parseFloat(style.fontSize) < 10 && "is tiny",
    ].filter(Boolean);
    return wrong.map((what) => `${panel.dataset.panel}: "${element.textContent}" ${what}`);
  });
})
"""


@pytest.fixture(scope="module")
def bundle():
    with preview.bundled() as folder:
        yield folder


@pytest.fixture(params=[*preview.SCREENS])
def screen(request):
    return request.param


@pytest.mark.parametrize("dashboard", preview.dashboards(), ids=lambda path: path.stem)
def test_each_dashboard_is_drawn_whole(stack, chromium, bundle, dashboard, screen):
    with preview.drawn(chromium, bundle, stack.layout, dashboard, screen) as drawing:
        panels = drawing.page.locator("[data-panel]").evaluate_all(
            "panels => panels.map(({dataset}) => [dataset.panel, dataset.state, dataset.message])")
        assert panels
        assert [panel for panel in panels if panel[1] == "error"] == []
        assert drawing.complaints == []
        assert drawing.page.evaluate(ILLEGIBLE) == []
        wide = drawing.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, "the page is wider than the screen"
