"""What tests across parts share: a whole running system, and the database of the addons' own tests."""

import os

import pytest


@pytest.fixture(scope="session")
def stack():
    """A running system of its own: Odoo with 4 workers, PostgreSQL, Prometheus, Alertmanager and the simulators."""
    from stack import system
    from stack.layout import Layout

    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the system that `make test` prepares")
    return system.up(Layout.from_environment())


@pytest.fixture
def database():
    """The name of the database that the addons' tests run on."""
    from odoo.tests.common import get_db_name

    return get_db_name()


@pytest.fixture(scope="session")
def chromium():
    """A real Chromium, driven by Playwright; each test opens a context of its own in it."""
    from playwright.sync_api import sync_playwright

    from stack.provide import browser

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser.chromium())
        yield launched
        launched.close()
