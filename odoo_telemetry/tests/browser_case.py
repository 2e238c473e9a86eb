"""What the tests in a browser share."""

from pathlib import Path

from odoo.modules import get_module_path

# part of Odoo's video calls; Debian's package lacks it, and the browser's console says so on every page
_LEFT_OUT = "lib/selfie_segmentation/selfie_segmentation.js"


class InBrowser:
    """Mixin for Odoo's ``HttpCase``: the web client loads without an error, whichever package Odoo is from."""

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
