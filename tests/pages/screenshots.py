"""Takes the screenshots of Telemetry's pages that the addon's description and the docs show, from the running system.

    python -m tests.pages.screenshots [folder]

Without a folder they replace those of the addon and of the docs.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from stack import system
from stack.layout import PROJECT, Layout
from stack.provide import browser
from stack.scenarios.traffic import administrator
from tests.pages.browsing import administrator_page, label_by_state, open_custom_metric, open_overview

FOLDER = PROJECT / "odoo_telemetry" / "static" / "description"
SIZES = {
    "1280": {"width": 1280, "height": 1130},
    "1920": {"width": 1920, "height": 1080},
    "phone": {"width": 390, "height": 844},
}
DESCRIBED = ("overview-1280", "metrics-1280", "alerts-1280")
"""Those that the addon's description shows."""


def shoot(page, path, **options):
    """Write what the page shows as a PNG of 256 colours."""
    with Image.open(io.BytesIO(page.screenshot(**options))) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main(folder=None):
    running = system.up(Layout.from_environment())
    admin = administrator(running)
    [user] = admin.call("res.users", "search", [("login", "=", "admin")])
    admin.call("res.users", "write", [user], {"telemetry_alerts": True, "tour_enabled": False})
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.chromium())
        for size, viewport in SIZES.items():
            names = {name: f"{name}-{size}" for name in ("overview", "metrics", "alerts")}
            wanted = {name: file for name, file in names.items() if folder or file in DESCRIBED}
            if wanted:
                with administrator_page(running, chromium, viewport) as page:
                    take(page, Path(folder or FOLDER), wanted)
        with administrator_page(running, chromium, {"width": 1280, "height": 1500}) as page:
            open_custom_metric(page)
            label_by_state(page).locator("canvas").wait_for()
            shoot(page, Path(folder or PROJECT / "docs" / "images") / "custom_metrics.png")
        chromium.close()


def take(page, folder, wanted):
    folder.mkdir(parents=True, exist_ok=True)
    if "overview" in wanted:
        open_overview(page, "hour")
        shoot(page, folder / f"{wanted['overview']}.png")
    if "metrics" in wanted:
        page.goto("/odoo/telemetry-metrics")
        page.fill(".o_telemetry_search", "odoo http")
        page.wait_for_selector(".o_telemetry_detail canvas")
        shoot(page, folder / f"{wanted['metrics']}.png")
    if "alerts" in wanted:
        page.click(".o_telemetry_systray")
        page.wait_for_selector(".o_telemetry_menu [role=menuitem]")
        shoot(page, folder / f"{wanted['alerts']}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
