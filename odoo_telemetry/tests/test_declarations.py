"""What an addon adds to telemetry: facts of the database and health checks."""

from unittest.mock import patch

from odoo.tests import TransactionCase, new_test_user, tagged

from ..metrics.catalogue import Label, Metric, Rows
from ..odoo_hooks import health
from .settings_case import Published

BANKS = Metric("trial_banks_total", "counter", "Banks.", (Label("active", ("true", "false")),),
               rows=(Rows("res.bank", (), (".active",)),))  # fmt: skip


@tagged("post_install", "-at_install")
class TestFactsOfAnAddon(Published, TransactionCase):
    """``_facts`` is patched as an addon would override it."""

    def setUp(self):
        super().setUp()
        self.ledger = self.env["telemetry.ledger"]
        known = self.ledger._facts()
        self.facts = self.startPatcher(patch.object(type(self.ledger), "_facts", return_value=[*known, BANKS]))
        # what Odoo does when it installs the addon
        self.ledger.init()
        self.env["telemetry.audit"]._follow_facts()
        self.known = known

    def entries(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT labels, sum(amount) FROM telemetry_entry WHERE metric = %s GROUP BY 1", [BANKS.name]
        )
        return dict(self.env.cr.fetchall())

    def audited(self):
        return self.env["telemetry.audit"].search_count([("fact", "=", BANKS.name)])

    def test_its_rows_are_counted_from_then_on(self):
        self.env["res.bank"].create([{"name": "One"}, {"name": "Two", "active": False}])
        self.assertEqual(self.entries(), {'["true"]': 1, '["false"]': 1})
        self.assertEqual(self.audited(), 1)

    def test_they_stay_while_only_some_addons_are_loaded(self):
        self.facts.return_value = []
        self.ledger.init()
        self.env["telemetry.audit"]._follow_facts()
        self.env["res.bank"].create({"name": "One"})
        self.assertEqual(self.entries(), {'["true"]': 1})
        self.assertEqual(self.audited(), 1)

    def test_they_stay_while_an_addon_is_missing(self):
        self.env["ir.module.module"].create({"name": "trial_banks", "state": "installed"})
        self.facts.return_value = self.known
        self.env["ir.model.data"]._process_end([])
        self.env["res.bank"].create({"name": "One"})
        self.ledger._purge()
        self.assertEqual(self.entries(), {'["true"]': 1})
        self.assertEqual(self.audited(), 1)

    def test_they_are_gone_when_no_addon_has_them_any_more(self):
        self.facts.return_value = self.known
        self.env["ir.model.data"]._process_end([])
        self.env["res.bank"].create({"name": "One"})
        self.assertEqual(self.entries(), {})
        self.assertEqual(self.audited(), 0)

    def test_nothing_is_left_when_its_addon_is_uninstalled(self):
        self.env["res.bank"].create({"name": "One"})
        self.ledger._forget([BANKS])
        self.env["res.bank"].create({"name": "Two"})
        self.assertEqual(self.entries(), {})
        self.assertEqual(self.audited(), 0)


@tagged("post_install", "-at_install")
class TestChecksOfAnAddon(TransactionCase):
    def test_what_fails_degrades_and_is_named(self):
        with patch.dict(health.CHECKS):
            for name, result in (("trial", health.FAILED), ("other", health.UNKNOWN), ("good", health.OK)):
                health.declare_check(name, lambda result=result: result, 60)
            health.CHECKS.pop("n8n", None)
            status, answer = health.ready()
            user = new_test_user(self.env, "telemetry_watcher", groups="base.group_system")
            tiles = self.env["telemetry.overview"].with_user(user).read_tiles("hour")
        self.assertEqual((status, answer["status"]), ("200 OK", "degraded"))
        self.assertEqual(
            {name: answer["checks"][name] for name in ("trial", "other", "good")},
            {"trial": "failed", "other": "unknown", "good": "ok"},
        )
        [tile] = [tile for tile in tiles if tile["name"] == "errors"]
        self.assertEqual((tile["state"], tile["details"][0][0]), ("bad", "Degraded; failed health checks: trial"))

    def test_only_a_rate_within_the_limit_is_on_target(self):
        user = new_test_user(self.env, "telemetry_watcher", groups="base.group_system")
        overview = self.env["telemetry.overview"].with_user(user)

        def states(result):
            with patch.dict(health.CHECKS, {"trial": lambda: result}, clear=True):
                health.CHECKS["database"] = lambda: health.OK
                health.CHECKS["filestore"] = lambda: health.OK
                [tile] = [tile for tile in overview.read_tiles("hour") if tile["name"] == "errors"]
                histories = ([], *([({}, [(1.0, rate)])] for rate in (0.0, 1000.0)))
                monitored = [overview._monitored_errors(history).get("state", tile["state"]) for history in histories]
            return tile["details"], monitored

        self.assertEqual(states(health.OK), ([], ["none", "good", "bad"]))
        reason = "Degraded; failed health checks: trial"
        self.assertEqual(states(health.FAILED), ([(reason, None, "text")], ["bad", "bad", "bad"]))
