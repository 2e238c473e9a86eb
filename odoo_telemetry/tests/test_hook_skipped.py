"""Hooks that do not fit this Odoo: skipped, logged, counted and shown, while the others work."""

import sys
from contextlib import contextmanager
from unittest.mock import patch

from odoo.service import model, server
from odoo.tests import HttpCase, TransactionCase, mute_logger, new_test_user, tagged

from .. import odoo_hooks
from ..metrics import errors
from ..odoo_hooks import guard, retries, roles, skipped, workers
from ..odoo_hooks.caches import counters
from ..odoo_hooks.patch import Patch
from ..odoo_hooks.probe import UnsupportedOdooError, find
from .hook_case import value

LOGGER = skipped._logger.name


@contextmanager
def without(owner, name):
    """Odoo has no ``owner.name`` in the block."""
    original = getattr(owner, name)
    delattr(owner, name)
    try:
        yield
    finally:
        setattr(owner, name, original)


class AnotherOdoo:
    """Mixin: Odoo changes while no hook is installed, and the hooks are installed again."""

    def setUp(self):
        super().setUp()
        self.startPatcher(patch.object(skipped, "_skipped", set()))
        self.addCleanup(odoo_hooks.install)
        odoo_hooks.uninstall()

    def install(self):
        """Install the hooks; return what is logged, as a list of lines."""
        with self.assertLogs(LOGGER) as logged:
            odoo_hooks.install()
        self.addCleanup(odoo_hooks.uninstall)
        return [record.getMessage() for record in logged.records]


@tagged("post_install", "-at_install")
class TestSkipped(AnotherOdoo, TransactionCase):
    def errors(self):
        return value("odoo_telemetry_errors_total", ("hook",))

    def test_one_that_is_missing(self):
        before = self.errors()
        with without(model, "retrying"):
            [line] = self.install()
            self.assertRegex(
                line,
                r"^The hook retries is skipped on Odoo \d+\.0: there is no odoo\.http\.router:retrying or "
                r"odoo\.service\.model:retrying; attempts are counted again with each retry$",
            )
            self.assertEqual(self.errors(), before + 1)
            with self.assertNoLogs(LOGGER):
                odoo_hooks.install()
            self.assertEqual(self.errors(), before + 1)

    def test_one_with_another_signature(self):
        with patch.object(server.Worker, "stop", lambda self, graceful: None):
            start = server.Worker.start
            [line] = self.install()
            self.assertIn("odoo.service.server:Worker.stop", line)
            # all of a hook, or nothing
            self.assertIs(server.Worker.start, start)

    def test_one_that_can_not_be_imported(self):
        name = retries.__name__
        with patch.dict(sys.modules, {name: None}):
            [line] = self.install()
        self.assertIn("The hook retries is skipped", line)
        self.assertIn("ModuleNotFoundError", line)

    def test_one_that_fails_as_nobody_foresaw(self):
        with patch.object(retries, "install", side_effect=ZeroDivisionError("no way")):
            [line] = self.install()
        self.assertIn("ZeroDivisionError: no way", line)

    def test_the_overview_names_them(self):
        user = new_test_user(self.env, "telemetry_watcher", groups="base.group_system")
        overview = self.env["telemetry.overview"].with_user(user)

        def details():
            [tile] = [tile for tile in overview.read_tiles("hour") if tile["name"] == "telemetry"]
            return [detail[0] for detail in tile["details"]]

        self.assertFalse([text for text in details() if text.startswith("Not measured")])
        with without(model, "retrying"), mute_logger(LOGGER):
            odoo_hooks.install()
        self.addCleanup(odoo_hooks.uninstall)
        self.assertIn("Not measured on this version of Odoo: retries. See Odoo's log.", details())

    def test_roles_that_can_not_be_looked_up_are_unknown(self):
        self.addCleanup(roles.learn, self.env)
        with (
            patch.object(self.env.registry["res.users"], "_get_group_ids", lambda self: ()),
            self.assertLogs(LOGGER) as logged,
        ):
            roles.learn(self.env)
        self.assertIn("the role of users is unknown", logged.output[0])
        self.assertEqual(roles.role(self.env.registry, self.env.ref("base.user_admin").id), roles.UNKNOWN)
        self.assertEqual(self.env.registry.telemetry_roles.count(self.env.ref("base.user_admin"))["admin"], 1)

    def test_a_series_that_is_not_tested_is_logged_once(self):
        self.addCleanup(odoo_hooks._check_series.cache_clear)
        odoo_hooks._check_series.cache_clear()
        with patch.object(odoo_hooks.release, "series", "21.0"), self.assertLogs(odoo_hooks.__name__) as logged:
            odoo_hooks.install()
            odoo_hooks.install()
        self.assertEqual(len(logged.output), 1)
        self.assertIn("Odoo 21.0", logged.output[0])

    def test_the_tested_series_log_nothing(self):
        odoo_hooks._check_series.cache_clear()
        with self.assertNoLogs(odoo_hooks.__name__), self.assertNoLogs(LOGGER):
            odoo_hooks.install()
        self.assertEqual(skipped.names(), [])


@tagged("post_install", "-at_install")
class TestTheOthers(AnotherOdoo, HttpCase):
    def requests(self):
        return value("odoo_http_requests_total", ("/web/login", "GET", "2xx", "public"), self.env.cr.dbname)

    def test_they_measure(self):
        before = self.requests()
        with without(model, "retrying"), mute_logger(LOGGER):
            odoo_hooks.install()
        self.addCleanup(odoo_hooks.uninstall)
        self.url_open("/web/login")
        self.assertEqual(self.requests(), before + 1)

    def test_without_the_hook_of_requests_odoo_answers(self):
        before = self.requests()
        with patch.dict(sys.modules, {f"{odoo_hooks.__name__}.http": None}), mute_logger(LOGGER):
            odoo_hooks.install()
        self.addCleanup(odoo_hooks.uninstall)
        self.assertEqual(self.url_open("/web/login").status_code, 200)
        self.assertEqual(self.url_open("/telemetry/health/live").status_code, 200)
        self.assertEqual(self.requests(), before)

    def test_a_hook_that_fails_meanwhile_costs_no_request(self):
        odoo_hooks.install()
        self.addCleanup(odoo_hooks.uninstall)
        before = value("odoo_telemetry_errors_total", ("hook",))
        with (
            patch("odoo.addons.odoo_telemetry.odoo_hooks.http.current_request", side_effect=AttributeError("gone")),
            mute_logger(errors.__name__),
        ):
            self.assertEqual(self.url_open("/web/login").status_code, 200)
        self.assertGreater(value("odoo_telemetry_errors_total", ("hook",)), before)

    def test_workers_are_guarded(self):
        with mute_logger(errors.__name__):
            self.assertIsNone(workers._started(object()))
            self.assertIsNone(guard.guarded(lambda: 1 / 0)())


class Owner:
    def greet(self, name, *, loud=False):
        return name.upper() if loud else name


class Heir(Owner):
    pass


@tagged("post_install", "-at_install")
class TestProbe(TransactionCase):
    def probe(self, replacement, place=f"{__name__}:Owner.greet"):
        Patch(place, lambda _original: replacement).probe()

    def test_it_takes_what_callers_pass(self):
        self.probe(lambda self, name, **options: None)
        self.probe(lambda self, name, *, loud=False: None)
        for replacement in (
            lambda self: None,
            lambda self, name: None,
            lambda self, name, loud: None,
            lambda self, name, more, **options: None,
        ):
            with self.assertRaises(UnsupportedOdooError):
                self.probe(replacement)

    def test_a_function_that_is_inherited_is_not_the_one(self):
        with self.assertRaisesRegex(UnsupportedOdooError, "Heir.greet is inherited"):
            self.probe(lambda self, name, **options: None, f"{__name__}:Heir.greet")

    def test_the_newest_place_comes_first(self):
        self.assertIs(find("odoo.no.such:thing", f"{__name__}:Owner.greet", f"{__name__}:Heir"), Owner.greet)
        with self.assertRaisesRegex(UnsupportedOdooError, "there is no odoo:a or odoo:b"):
            find("odoo:a", "odoo:b")

    def test_the_counters_of_the_cache_are_odoos(self):
        self.assertTrue(all(hasattr(counter, "hit") and hasattr(counter, "miss") for counter in counters().values()))
