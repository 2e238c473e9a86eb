from pathlib import Path

from odoo.modules import get_module_path
from odoo.tests import HttpCase, tagged

from .monitoring_case import Monitored

URL = "/odoo/action-influencegen_telemetry.overview_action"
# part of Odoo's video calls; Debian's package lacks it, and the browser's console says so on every page
_LEFT_OUT = "lib/selfie_segmentation/selfie_segmentation.js"


@tagged("post_install", "-at_install")
class TestTour(Monitored, HttpCase):
    def setUp(self):
        super().setUp()
        if not (Path(get_module_path("mail")) / "static" / _LEFT_OUT).exists():
            self.env["ir.asset"].create({
                "name": _LEFT_OUT, "bundle": "web.assets_backend", "directive": "remove",
                "path": f"mail/static/{_LEFT_OUT}",
            })

    def test_the_onboarding_tour(self):
        self.start_tour(URL, "influencegen_telemetry", login="admin")

    def test_the_tour_is_offered_to_new_administrators(self):
        tour = self.env["web_tour.tour"].search([("name", "=", "influencegen_telemetry")])
        self.assertEqual((tour.url, tour.custom), (URL, False))
