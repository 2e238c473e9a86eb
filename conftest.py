"""What all tests need before any of them is collected."""

import os


def pytest_sessionstart() -> None:
    """Load the addons as a server does: collecting their tests imports them first, and Odoo then skips `post_load`."""
    if "ODOO_RC" in os.environ:
        from odoo.service.server import load_server_wide_modules

        load_server_wide_modules()
