"""The demo data: it can be loaded, and shows people, campaigns and payments in different states."""

from odoo.modules.module import get_manifest
from odoo.tests import TransactionCase, tagged
from odoo.tools import convert_file


@tagged("post_install", "-at_install")
class TestDemo(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.env.ref("influencegen.influencer_demo_aroha", raise_if_not_found=False):
            cls.load("init")

    @classmethod
    def load(cls, mode):
        for name in get_manifest("influencegen")["demo"]:
            convert_file(cls.env, "influencegen", name, {}, mode, noupdate=True)

    def demo(self, model):
        """Return the demo records of a model."""
        names = self.env["ir.model.data"].search(
            [("module", "=", "influencegen"), ("name", "like", r"\_demo\_"), ("model", "=", model)]
        )
        return self.env[model].browse(names.mapped("res_id"))

    def test_people_differ(self):
        people = self.demo("influencegen.influencer")
        self.assertEqual(set(people.mapped("state")), {"registered", "kyc_pending", "active", "suspended", "rejected"})
        self.assertEqual(len(set(people.mapped("name"))), len(people))
        self.assertGreater(len(people.partner_id.country_id), 5)
        self.assertTrue(all(email.endswith("@example.com") for email in people.mapped("email")))
        self.assertEqual(set(people.kyc_ids.mapped("state")), {"awaiting_document", "review", "approved", "rejected"})
        self.assertFalse(people.filtered(lambda person: person.state == "active" and not person.activated_at))

    def test_business_differs(self):
        campaigns = self.demo("influencegen.campaign")
        self.assertEqual(set(campaigns.mapped("state")), {"draft", "open", "closed"})
        self.assertGreater(len(set(campaigns.mapped("fee"))), 3)
        self.assertGreater(len(campaigns.currency_id), 1)
        self.assertEqual(set(campaigns.application_ids.mapped("state")), {"submitted", "accepted", "declined"})
        self.assertEqual(set(campaigns.content_ids.mapped("state")), {"submitted", "accepted", "rejected"})
        payments = campaigns.content_ids.payment_ids
        self.assertEqual(set(payments.mapped("state")), {"pending", "paid", "failed"})
        self.assertEqual(
            [(payment.state, payment.attempt_ids.mapped("state")) for payment in payments if payment.attempt_ids],
            [(payment.state, [payment.state]) for payment in payments if payment.state != "pending"],
        )
        images = self.demo("influencegen.image")
        self.assertEqual(set(images.mapped("state")), {"done", "failed", "timed_out"})
        done = images.filtered(lambda image: image.state == "done")
        self.assertEqual(set(done.attachment_id.mapped("mimetype")), {"image/png"})
        self.assertEqual(len(done.attachment_id), len(done))

    def test_nothing_is_sent_and_nothing_is_under_way(self):
        """No scheduled action finds a demo record to process, in a test or elsewhere."""
        people = self.demo("influencegen.influencer")
        mails = self.env["mail.mail"].search([("recipient_ids", "in", people.partner_id.ids)])
        self.assertEqual(set(mails.mapped("state")), {"cancel"})
        self.assertFalse(people.kyc_ids.filtered(lambda kyc: kyc.state == "submitted"))
        images = self.demo("influencegen.image")
        self.assertFalse(images.filtered(lambda image: image.state in ("requested", "processing")))

    def test_an_upgrade_brings_nothing_back(self):
        self.demo("influencegen.image").unlink()
        self.load("update")
        self.assertFalse(self.demo("influencegen.image"))
