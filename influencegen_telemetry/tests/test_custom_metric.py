from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged

from odoo.addons.odoo_telemetry.tests.custom_case import define, values


@tagged("post_install", "-at_install")
class TestCustomMetricOfTheBusiness(TransactionCase):
    def test_dimensions_that_name_people(self):
        for model, field in (("influencegen.payment.attempt", "payment_id"), ("influencegen.influencer", "name"),
                             ("influencegen.handle", "handle"), ("influencegen.content", "campaign_id")):  # fmt: skip
            with self.assertRaisesRegex(ValidationError, f"{field} .*can't be a label or a state"), self.cr.savepoint():
                define(self.env, "people", model, [field], user_id=self.env.ref("base.user_admin").id)

    def test_models_of_images_name_nobody(self):
        define(self.env, "images", "influencegen.image", ["model_id"], user_id=self.env.ref("base.user_admin").id)
        self.assertIsInstance(values(self.env, "odoo_custom_images"), dict)
