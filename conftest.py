"""What all tests need before any of them is collected."""

import os


def pytest_sessionstart() -> None:
    """Load the addons as a server does: collecting their tests imports them first, and Odoo then skips `post_load`."""
    if "ODOO_RC" in os.environ:
        from odoo.service.server import load_server_wide_modules

        load_server_wide_modules()


def pytest_runtest_setup(item) -> None:
    """Tell Odoo 18.0 which test runs, as its own runner would; pytest-odoo does so for 19.0 alone."""
    if "ODOO_RC" in os.environ:
        from odoo.modules import module

        module.current_test = getattr(item, "instance", None)
