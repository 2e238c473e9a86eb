from unittest.mock import patch

from odoo.tests import TransactionCase, mute_logger, tagged

from ..odoo_hooks import health, scrape_route
from .hook_case import value

OTHER = "odoo.addons.another_exporter.controllers.main"
WARNINGS = "odoo.addons.odoo_telemetry.metrics.errors"


class Endpoint:
    def __init__(self, routing_type, module, methods=None):
        self.routing = {"type": routing_type, "methods": methods}
        self.__module__ = module


OURS = "/metrics", Endpoint("telemetry", "odoo.addons.odoo_telemetry.controllers.metrics", ["GET"])
THEIRS = "/metrics", Endpoint("http", OTHER)
POSTED = "/metrics", Endpoint("http", OTHER, ["POST"])


@tagged("post_install", "-at_install")
class TestScrapeRoute(TransactionCase):
    def setUp(self):
        super().setUp()
        self.startPatcher(patch.dict(scrape_route._others, clear=True))
        health.CHECKS["metrics"].forget()
        self.addCleanup(health.CHECKS["metrics"].forget)

    def look(self, *rules):
        """Return how many times it is counted that another addon has the route."""
        before = value("odoo_telemetry_errors_total", ("route",))
        with mute_logger(WARNINGS):
            scrape_route.look("db", rules)
        return value("odoo_telemetry_errors_total", ("route",)) - before

    def test_telemetry_alone(self):
        self.assertEqual(self.look(OURS, POSTED), 0)
        self.assertEqual(scrape_route.others(), [])
        self.assertEqual(health.CHECKS["metrics"](), "ok")

    def test_another_that_answers(self):
        self.assertEqual(self.look(THEIRS, OURS), 1)
        self.assertEqual(scrape_route.others(), [("another_exporter", True)])
        self.assertEqual(health.CHECKS["metrics"](), "failed")

    def test_another_that_is_hidden(self):
        self.assertEqual(self.look(OURS, THEIRS), 1)
        self.assertEqual(scrape_route.others(), [("another_exporter", False)])
        self.assertEqual(health.CHECKS["metrics"](), "ok")

    def test_it_is_counted_once_until_it_is_gone(self):
        self.assertEqual([self.look(THEIRS, OURS) for _time in range(3)], [1, 0, 0])
        self.assertEqual([self.look(OURS), self.look(THEIRS, OURS)], [0, 1])

    def test_the_overview_names_it(self):
        self.look(THEIRS, OURS)
        [tile] = [tile for tile in self.env["telemetry.overview"].read_tiles("hour") if tile["name"] == "telemetry"]
        self.assertIn(("another_exporter serves /metrics: scrape /telemetry/metrics instead", None, "text"),
                      tile["details"])  # fmt: skip
