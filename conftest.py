"""What all tests need before any of them is collected."""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent / "tests"
# What a test needs that uses one of these fixtures.
NEEDED = {
    "stack": pytest.mark.system,
    **dict.fromkeys(("chromium", "compose", "processes", "start"), pytest.mark.servers),
}


def pytest_sessionstart() -> None:
    """Load the addons as a server does: if collecting their tests imported them first, Odoo would skip `post_load`."""
    if "ODOO_RC" in os.environ:
        from odoo.service.server import load_server_wide_modules

        load_server_wide_modules()


def pytest_runtest_setup(item) -> None:
    """Tell Odoo 18.0 which test runs, as its own runner would; pytest-odoo does so for 19.0 alone."""
    if "ODOO_RC" in os.environ:
        from odoo.modules import module

        module.current_test = getattr(item, "instance", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """Mark the addons' tests, and those that need a server by the fixtures they use."""
    for item in items:
        if not item.path.is_relative_to(TESTS):
            item.add_marker(pytest.mark.odoo)
        for fixture in NEEDED.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(NEEDED[fixture])
