"""What the tests in a browser share."""

from functools import partialmethod
from pathlib import Path
from unittest.mock import patch

from odoo.modules import get_module_path
from odoo.tests.common import ChromeBrowser

_SECONDS = 180
"""What a page may take on a machine that runs other tests too."""
# part of Odoo's video calls; Debian's package lacks it, and the browser's console says so on every page
_LEFT_OUT = "lib/selfie_segmentation/selfie_segmentation.js"


class InBrowser:
    """Mixin for Odoo's ``HttpCase``: the web client loads without an error, whichever package Odoo is from."""

    test_cursor_lock_timeout = _SECONDS  # of Odoo: how long a request waits while another has its assets compiled

    def setUp(self):
        super().setUp()
        if "mail.thread" in self.env and not (Path(get_module_path("mail")) / "static" / _LEFT_OUT).exists():
            self.env["ir.asset"].create(
                {
                    "name": _LEFT_OUT,
                    "bundle": "web.assets_backend",
                    "directive": "remove",
                    "path": f"mail/static/{_LEFT_OUT}",
                }
            )

    def browser_js(self, *args, timeout=_SECONDS, **options):
        ready = partialmethod(ChromeBrowser._wait_ready, timeout=_SECONDS)
        with patch.object(ChromeBrowser, "_wait_ready", ready):
            return super().browser_js(*args, timeout=max(timeout, _SECONDS), **options)
