from odoo.tests import TransactionCase, new_test_user, tagged

from odoo.addons.odoo_telemetry.tests.settings_case import Published


@tagged("post_install", "-at_install")
class TestSpecified(Published, TransactionCase):
    def test_a_metric_has_its_name_in_the_specification(self):
        user = new_test_user(self.env, "telemetry_viewer", groups="base.group_system")
        metrics = self.env["telemetry.metric"].with_user(user).read_metrics()
        specified = {metric["name"]: metric["specification"] for metric in metrics}
        self.assertEqual(specified["influencer_registration_attempts_total"], "influencer.registration.attempts_rate")
        self.assertFalse(specified["odoo_telemetry_series"])
