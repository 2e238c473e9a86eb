"""Writes pictures of all dashboards, drawn from the running system, for the docs."""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from grafana_dashboards.preview import SCREENS, bundled, dashboards, drawn, sample_history
from stack.console import exit_on_error, step
from stack.layout import PROJECT, Layout
from stack.provide import browser


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grafana_dashboards.preview", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="dashboard", help="file name without .json (default: all)")
    parser.add_argument("--screen", nargs="+", choices=SCREENS, default=list(SCREENS))
    parser.add_argument("--last", help="time range instead of the dashboard's own, such as 30m")
    parser.add_argument(
        "--sample-history",
        action="store_true",
        help="first write sample history into the long-term storage: `make clean` deletes it",
    )
    parser.add_argument("--into", type=Path, default=PROJECT / "docs" / "images" / "dashboards", metavar="folder")
    asked = parser.parse_args()
    time = {"from": f"now-{asked.last}", "to": "now"} if asked.last else None
    chosen = [path for path in dashboards() if not asked.names or path.stem in asked.names]
    if unknown := set(asked.names) - {path.stem for path in chosen}:
        parser.error(f"no such dashboard: {', '.join(sorted(unknown))}")
    asked.into.mkdir(parents=True, exist_ok=True)
    layout = Layout.from_environment()
    if asked.sample_history:
        with step("sample history of ninety days"):
            sample_history.write(layout)
    with bundled() as bundle, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.chromium())
        for dashboard in chosen:
            for screen in asked.screen:
                picture = asked.into / f"{dashboard.stem}-{screen}.png"
                with (
                    step(str(picture)),
                    drawn(chromium, bundle, layout, dashboard, screen, time) as drawing,
                ):
                    _write(drawing.page.screenshot(full_page=True), picture)
                    wrong = drawing.panels("error")
                for title, message in wrong.items():
                    print(f"    {title}: {message}")


def _write(screenshot: bytes, picture: Path) -> None:
    """Write a PNG in 256 colours: a third of its size, and no difference to see in charts and text."""
    few = Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)


if __name__ == "__main__":
    with exit_on_error():
        main()
