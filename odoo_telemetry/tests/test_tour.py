from odoo.tests import HttpCase, tagged

from .browser_case import InBrowser
from .monitoring_case import Monitored

URL = "/odoo/action-odoo_telemetry.overview_action"


@tagged("post_install", "-at_install")
class TestTour(InBrowser, Monitored, HttpCase):
    def test_the_onboarding_tour(self):
        self.start_tour(URL, "odoo_telemetry", login="admin")

    def test_the_tour_is_offered_to_new_administrators(self):
        tour = self.env["web_tour.tour"].search([("name", "=", "odoo_telemetry")])
        self.assertEqual((tour.url, tour.custom), (URL, False))
