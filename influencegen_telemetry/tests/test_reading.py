from odoo.tests import TransactionCase, tagged

from odoo.addons.influencegen.tests.common import PDF


@tagged("post_install", "-at_install")
class TestReading(TransactionCase):
    def gauges(self):
        self.env.flush_all()
        gauges = self.env["telemetry.reading"]._gauges()
        return {(gauge.name, *labels.values()): value for gauge, value, labels in gauges}

    def sign_up(self):
        values = {"name": "Ada", "email": "ada@example.com", "birthdate": "1990-01-01", "consent": True}
        return self.env["influencegen.influencer"]._sign_up(values, "portal")

    def test_the_queue_is_as_long_and_as_old_as_what_waits(self):
        kyc = self.sign_up().kyc_ids
        before = self.gauges()[("influencer_kyc_queue_length", "submitted")]
        kyc._submit_document("passport", "passport.pdf", PDF)
        after = self.gauges()
        self.assertEqual(after[("influencer_kyc_queue_length", "submitted")], before + 1)
        self.assertGreater(after[("influencer_kyc_queue_oldest_age_seconds", "submitted")], 0)
