import re

from odoo.exceptions import ValidationError
from odoo.tests import Form, TransactionCase, tagged

from odoo.addons.odoo_telemetry.metrics import store
from odoo.addons.odoo_telemetry.metrics.settings import THRESHOLDS
from odoo.addons.odoo_telemetry.tests.settings_case import Published

from ..business import CAMPAIGN


@tagged("post_install", "-at_install")
class TestSettingsOfTheBusiness(Published, TransactionCase):
    def save(self, **values):
        self.env["res.config.settings"].create(values).set_values()
        self.commit()

    def test_the_limit_of_campaigns(self):
        self.assertEqual(Form(self.env["res.config.settings"]).telemetry_campaign_id_limit, CAMPAIGN.limit)
        self.save(telemetry_campaign_id_limit=7)
        self.assertEqual(self.published().label_limits["campaign_id"], 7)
        self.assertEqual(store.limits.limit(CAMPAIGN, self.database), 7)

    def test_the_threshold_of_n8n(self):
        self.assertEqual(self.published().thresholds["n8n_errors_per_minute"], 2)
        self.save(telemetry_n8n_errors_per_minute_threshold=3)
        self.assertEqual(self.published().thresholds, {**THRESHOLDS, "n8n_errors_per_minute": 3})

    def test_a_number_out_of_range_is_refused_by_name_with_the_range(self):
        for name in ("telemetry_campaign_id_limit", "telemetry_n8n_errors_per_minute_threshold"):
            label = re.escape(self.env["res.config.settings"]._fields[name].string)
            with self.assertRaisesRegex(ValidationError, f"{label} is 0; set a number from"):
                self.save(**{name: 0})
