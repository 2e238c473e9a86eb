from lxml import etree

from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..metrics import catalogue, store
from .settings_case import Published


@tagged("post_install", "-at_install")
class TestMetricView(Published, TransactionCase):
    def setUp(self):
        super().setUp()
        user = new_test_user(self.env, "telemetry_viewer", groups="influencegen.group_administrator")
        self.metrics = self.env["influencegen.telemetry.metric"].with_user(user)

    def row(self, name, labels=""):
        self.metrics.action_open()
        return self.metrics.search([("name", "=", name), ("labels", "=", labels)])

    def test_a_counter(self):
        before = self.row("influencer_registration_attempts_total").value
        store.inc("influencer_registration_attempts_total", database=self.database)
        row = self.row("influencer_registration_attempts_total")
        self.assertEqual(row.value, before + 1)
        self.assertEqual((row.kind, row.group), ("counter", "business"))
        self.assertEqual(row.specification, "influencer.registration.attempts_rate")
        self.assertEqual(row.meaning, catalogue.METRICS[row.name].help)

    def test_a_histogram_is_a_number_and_a_mean(self):
        name = "ai_image_generation_end_to_end_latency_seconds"
        before = self.row(name)
        number, total = before.value, before.value * before.mean
        store.observe(name, 30, database=self.database)
        row = self.row(name)
        self.assertEqual((row.value, row.kind, row.unit), (number + 1, "histogram", "seconds"))
        self.assertAlmostEqual(row.mean, (total + 30) / row.value, places=4)

    def test_labels(self):
        self.assertEqual(len(self.row("influencegen_telemetry_threshold", "name=concurrent_users")), 1)

    def test_a_group_that_is_off_is_not_shown(self):
        self.settings._set("groups", "fast")
        self.commit()
        self.metrics.action_open()
        self.assertEqual(set(self.metrics.search([]).mapped("group")), {"fast"})

    def test_opening_again_replaces_the_rows(self):
        self.metrics.action_open()
        first = self.metrics.search([])
        action = self.metrics.action_open()
        self.assertFalse(first.exists())
        series = [(row.name, row.labels) for row in self.metrics.search([])]
        self.assertEqual(len(series), len(set(series)))
        self.assertEqual(action["res_model"], self.metrics._name)

    def test_each_has_rows_of_their_own(self):
        self.metrics.action_open()
        theirs = self.metrics.search([])
        self.metrics.with_user(self.env.ref("base.user_admin")).action_open()
        self.assertEqual(theirs.exists(), theirs)

    def test_the_menu_opens_it(self):
        action = self.env.ref("influencegen_telemetry.menu_metrics").action
        self.assertEqual(action.with_user(self.metrics.env.user).run()["res_model"], self.metrics._name)
        arch = etree.fromstring(self.metrics.get_view(view_type="list")["arch"])
        self.assertTrue(arch.xpath("//field[@name='meaning']"))

    def test_others_may_not(self):
        for groups in ("base.group_user", "influencegen.group_campaign_manager", "base.group_portal"):
            user = new_test_user(self.env, f"telemetry_{groups}", groups=groups)
            with self.assertRaises(AccessError):
                self.metrics.with_user(user).action_open()
