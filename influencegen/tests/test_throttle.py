import time
from contextlib import closing
from threading import Thread
from unittest.mock import patch

from odoo import api
from odoo.tests import HttpCase, TransactionCase, tagged

from ..models import throttle
from ..models.throttle import client


@tagged("post_install", "-at_install")
class TestThrottle(TransactionCase):
    def setUp(self):
        super().setUp()
        self.throttle = self.env["influencegen.throttle"]
        self.throttle.search([]).unlink()
        self.begun = time.time()

    def at(self, seconds):
        """Return a patch of the clock to so many seconds after the test began."""
        return patch.object(throttle.time, "time", lambda: self.begun + seconds)

    def test_at_once_and_over_time(self):
        with self.at(0):
            for _time in range(3):
                self.assertEqual(self.throttle._take(("a", 3, 60)), 0)
            self.assertAlmostEqual(self.throttle._take(("a", 3, 60)), 20, 3)
            self.assertEqual(self.throttle._take(("b", 3, 60)), 0)
        with self.at(19):
            self.assertAlmostEqual(self.throttle._take(("a", 3, 60)), 1, 3)
        with self.at(21):
            self.assertEqual(self.throttle._take(("a", 3, 60)), 0)
            self.assertGreater(self.throttle._take(("a", 3, 60)), 0)

    def test_of_several_all_or_none(self):
        self.throttle._take(("a", 1, 60))
        self.assertGreater(self.throttle._take(("a", 1, 60), ("all", 1, 60)), 0)
        self.assertEqual(self.throttle._take(("b", 1, 60), ("all", 1, 60)), 0)
        self.assertGreater(self.throttle._take(("c", 1, 60), ("all", 1, 60)), 0)

    def test_none_allowed(self):
        self.assertEqual(self.throttle._take(("a", 0, 60)), 60)

    def test_a_clock_that_was_ahead(self):
        with self.at(86_400):
            self.throttle._take(("a", 1, 60))
        self.assertLessEqual(self.throttle._take(("a", 1, 60)), 60)

    def test_no_address_is_stored_and_rows_are_cleaned_up(self):
        self.throttle._take(("registrations of 198.51.100.7", 1, 60))
        row = self.throttle.search([])
        self.assertRegex(row.sender, r"^[0-9a-f]{64}$")
        self.throttle._gc_whole()
        self.assertTrue(row.exists())
        with self.at(61):
            self.throttle._gc_whole()
        self.assertFalse(row.exists())

    def test_client(self):
        self.assertEqual(client("198.51.100.7"), "198.51.100.7")
        self.assertEqual(client("::ffff:198.51.100.7"), "198.51.100.7")
        self.assertEqual(client("2001:db8:1:2:3::4"), "2001:db8:1:2::/64")
        self.assertEqual(client("::1"), "::/64")
        self.assertEqual(client("unknown"), "unknown")
        self.assertEqual(client(None), "")


@tagged("post_install", "-at_install")
class TestThrottleAtOnce(HttpCase):
    """In transactions of its own: what is left is removed by hand."""

    registry_test_mode = False

    def test_no_more_than_allowed(self):
        took = []

        def take():
            with closing(self.registry.cursor()) as cr:
                env = api.Environment(cr, api.SUPERUSER_ID, {})
                # a snapshot that is older than what the others take
                env["influencegen.throttle"].search_count([])
                took.append(env["influencegen.throttle"]._take(("at once", 3, 3600)))

        self.addCleanup(self.clean_up)
        threads = [Thread(target=take) for _number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len([wait for wait in took if not wait]), 3)
        self.assertEqual(len(took), 6)

    def clean_up(self):
        with self.registry.cursor() as cr:
            api.Environment(cr, api.SUPERUSER_ID, {})["influencegen.throttle"].search([]).unlink()
