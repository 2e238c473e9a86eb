"""The dashboards without Grafana: drawn with its own components, in a real Chromium, from a running system's data."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
import yaml
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, TimeoutError

from stack.console import StackError, run
from stack.layout import Layout
from stack.provide import npm

HERE = Path(__file__).parent
SOURCES = HERE.parent / "provisioning" / "datasources.yml"
ADDRESS = "http://preview.invalid"
TIMEOUT_SECONDS = 60
# Width and height in CSS pixels, and device pixels per CSS pixel; on a phone Grafana stacks the panels.
SCREENS = {"1280": (1280, 800, 1), "1920": (1920, 1080, 1), "phone": (390, 844, 2)}


@dataclass
class Drawing:
    """A dashboard drawn on a page; ``errors`` is what the page has written to the browser's console as errors."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def log(self, line: ConsoleMessage) -> None:
        """Keep a line of the console if it is an error."""
        if line.type == "error":
            self.errors.append(line.text)

    def panels(self, state: str) -> dict[str, str | None]:
        """Return the titles of the panels that are done, empty or have an error, and what the error is."""
        found = self.page.locator(f"[data-state={state}]")
        return dict(found.evaluate_all("panels => panels.map(({dataset}) => [dataset.panel, dataset.message ?? null])"))


def dashboards() -> list[Path]:
    """Return the files of all dashboards."""
    return sorted(path for folder in ("odoo", "influencegen") for path in (HERE.parent / folder).rglob("*.json"))


@contextmanager
def bundled() -> Iterator[Path]:
    """Give the folder of the page, its script and its styles, with Grafana's components in the cache bundled in."""
    modules = npm.installed(HERE, "Grafana's components (460 MB)")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run([modules / ".bin" / "esbuild", HERE / "page.jsx", f"--outfile={place / 'page.js'}", "--bundle", "--minify",
             "--jsx=automatic", "--define:process.env.NODE_ENV=\"production\"", "--loader:.svg=dataurl",
             "--loader:.ttf=dataurl", "--log-level=error"],
            log=place / "esbuild.log", env={**os.environ, "NODE_PATH": str(modules)})  # fmt: skip
        shutil.copy(HERE / "page.html", place)
        (place / "public" / "build").mkdir(parents=True)
        (place / "public" / "build" / "img").symlink_to(modules / "@grafana" / "ui" / "dist" / "public" / "img")
        (place / "public" / "fonts").mkdir()
        (place / "public" / "fonts" / "inter").symlink_to(modules / "inter-ui" / "web")
        yield place


@contextmanager
def drawn(
    browser: Browser, bundle: Path, layout: Layout, dashboard: Path, screen: str, time: dict[str, str] | None = None
) -> Iterator[Drawing]:
    """Draw a dashboard from the data of the system of that layout, and wait until all queries have returned.

    bundle: folder that ``bundled`` gives.
    dashboard: file with the JSON of a dashboard.
    screen: name of one of SCREENS.
    time: what is shown instead of the dashboard's own time: "from" and "to" as Grafana writes them, such as now-30m.
    """
    shown = json.loads(dashboard.read_text())
    if time:
        shown["time"] = time
    answer = json.dumps({"dashboard": shown, "sources": _sources()})
    width, height, pixels = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=pixels)
    try:
        drawing = Drawing(context.new_page())
        drawing.page.on("console", drawing.log)
        drawing.page.on("pageerror", lambda error: drawing.errors.append(str(error)))
        drawing.page.route(f"{ADDRESS}/**", lambda route: _answer(route, bundle, layout, answer))
        drawing.page.goto(f"{ADDRESS}/page.html")
        try:
            drawing.page.wait_for_function(
                "document.querySelector('[data-panel]') && !document.querySelector('[data-state=loading]')",
                timeout=1000 * TIMEOUT_SECONDS,
            )
        except TimeoutError as error:
            errors = " ".join(drawing.errors)
            raise StackError(f"{dashboard.name} was not rendered within {TIMEOUT_SECONDS} s: {errors}") from error
        yield drawing
    finally:
        context.close()


def _sources() -> dict[str, str]:
    """Return how far apart the samples of each Prometheus-like data source are, by its uid."""
    sources = yaml.safe_load(SOURCES.read_text())["datasources"]
    return {source["uid"]: source["jsonData"]["timeInterval"] for source in sources if source["type"] == "prometheus"}


def _answer(route: Route, bundle: Path, layout: Layout, dashboard: str) -> None:
    """Respond with a file of the bundle, or the response of a data source, whose uid is the name of its port."""
    path = urlsplit(route.request.url).path
    if path == "/dashboard.json":
        route.fulfill(body=dashboard, content_type="application/json")
    elif path.startswith("/datasource/"):
        uid = path.split("/")[2]
        address = layout.url(uid.replace("-", "_"))
        try:
            response = requests.get(
                route.request.url.replace(f"{ADDRESS}/datasource/{uid}", address, 1), timeout=30
            ).text
        except requests.RequestException as error:
            response = json.dumps({"status": "error", "error": f"{uid} does not answer: {error}"})
        route.fulfill(body=response, content_type="application/json")
    elif (bundle / path[1:]).is_file():
        route.fulfill(path=bundle / path[1:])
    else:
        route.fulfill(status=404)
