"""Every dashboard as people see it: drawn in a real Chromium from the live system, at a desk and on a phone."""

import json
import time

import pytest
import yaml

from grafana_dashboards import preview
from stack.layout import PROJECT

from .reading import ASKED
from .running import may_be_empty

# What a person can't read: its text is cut off, leaves its panel, or is tiny. Odoo's longest addresses and scheduled
# jobs have more characters than fit on a phone: they end in dots there, or at the edge of their panel.
ILLEGIBLE = """
() => [...document.querySelectorAll("[data-panel]")].flatMap((panel) => {
  const frame = panel.getBoundingClientRect();
  const scrolls = (element) =>
    element !== panel && (/auto|scroll/.test(getComputedStyle(element).overflowY) || scrolls(element.parentElement));
  const clipped = (element) =>
    element !== panel && (getComputedStyle(element).overflowX !== "visible" || clipped(element.parentElement));
  return [...panel.querySelectorAll("*")].flatMap((element) => {
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!text.length) {
      return [];
    }
    const range = document.createRange();
    range.selectNodeContents(element);
    const box = range.getBoundingClientRect();
    const style = getComputedStyle(element);
    const long = innerWidth < 500 && element.textContent.length > 46;
    const wrong = [
      style.display !== "inline" && element.scrollWidth > element.clientWidth + 1
        && !long && "is cut off",
      (box.left < frame.left - 1 || box.right > frame.right + 1)
        && !(long && clipped(element)) && "leaves its panel sideways",
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
def test_each_dashboard_is_drawn_whole(running, chromium, bundle, dashboard, screen):
    # what asks for the last minutes has nothing to show once business has rested for some
    business = {
        name: time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
        for name, moment in (("from", running.rested - 900), ("to", running.rested))
    }
    with preview.drawn(chromium, bundle, running.stack.layout, dashboard, screen, business) as drawing:
        assert drawing.panels("error") == {}
        empty = drawing.panels("empty").keys()
        assert {
            asked.name
            for asked in ASKED
            if asked.dashboard == json.loads(dashboard.read_text())
            and asked.panel["title"] in empty
            and not may_be_empty(asked)
        } == set()
        assert drawing.errors == []
        assert drawing.page.evaluate(ILLEGIBLE) == []
        wide = drawing.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, "the page is wider than the screen"


def test_a_panel_shows_what_is_wrong_with_it(stack, chromium, bundle, tmp_path):
    """Or else the test above could not see it."""

    def panel(number, title, kind, expr):
        return {
            "id": number,
            "title": title,
            "type": kind,
            "gridPos": {"x": 6 * number, "y": 0, "w": 6, "h": 4},
            "options": {"reduceOptions": {"calcs": ["lastNotNull"]}},
            "targets": [{"refId": "A", "expr": expr, "instant": True, "datasource": {"uid": "$source"}}],
            "fieldConfig": {"defaults": {"unit": "percent", "noValue": "Nothing yet."}, "overrides": []},
        }

    dashboard = tmp_path / "sample.json"
    source = {"name": "source", "type": "datasource", "current": {"text": "Prometheus", "value": "prometheus"}}
    dashboard.write_text(
        json.dumps(
            {
                "title": "Sample",
                "time": {"from": "now-5m", "to": "now"},
                "templating": {"list": [source]},
                "panels": [
                    panel(0, "right", "stat", "vector(42)"),
                    panel(1, "empty", "stat", "vector(42) < 0"),
                    panel(2, "no query", "stat", "vector("),
                    panel(3, "no such kind", "piechart", "vector(42)"),
                ],
            }
        )
    )
    with preview.drawn(chromium, bundle, stack.layout, dashboard, "phone") as drawing:
        shown = {title: drawing.page.locator(f"[data-panel='{title}']").inner_text() for title in ("right", "empty")}
        assert "42%" in shown["right"].replace("\n", "")
        assert "Nothing yet." in shown["empty"]
        assert drawing.panels("done").keys() == {"right"} and drawing.panels("empty").keys() == {"empty"}
        wrong = drawing.panels("error")
        assert "parse error" in wrong["no query"] and "piechart" in wrong["no such kind"]


def test_the_components_are_of_the_grafana_that_compose_runs():
    image = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]["grafana"]["image"]
    wanted = json.loads((preview.HERE / "package.json").read_text())["dependencies"]
    # of its minor version: not every patch release is on npm
    versions = {version.rpartition(".")[0] for version in (wanted["@grafana/ui"], wanted["@grafana/data"])}
    assert versions == {image.partition(":")[2].rpartition(".")[0]}
