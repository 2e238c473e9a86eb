"""A neutralized copy of a database calls nobody, and takes nothing that production is sent."""

import json

from odoo.exceptions import UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from .. import signing
from .campaign_common import CampaignCase, make_payment
from .neutralize_case import Neutralized
from .test_image import ImageCase

HARMLESS = {"image_daily_quota", "image_timeout_seconds", "registrations_per_client", "registrations_per_hour"}


@tagged("post_install", "-at_install")
class TestParameters(Neutralized, TransactionCase):
    def test_each_parameter_is_neutralized_or_harmless(self):
        self.assertNeutralized("influencegen", HARMLESS)

    def test_an_upgrade_of_the_copy_brings_no_address_back(self):
        self.neutralize()
        for name in ("kyc_url", "n8n_webhook_url", "payment_url"):
            self.assertTrue(self.env.ref(f"influencegen.parameter_{name}").exists())

    def test_the_scheduled_actions_are_off(self):
        self.neutralize()
        self.assertFalse(self.env["ir.cron"].search([("cron_name", "=like", "InfluenceGen%")]))


@tagged("post_install", "-at_install")
class TestCalls(Neutralized, CampaignCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("kyc_url", self.service.url)
        self.set_parameter("payment_url", f"{self.service.url}/payments")
        self.set_parameter("payment_provider", "http")

    def test_kyc_goes_to_a_reviewer_who_reads_why(self):
        kyc = self.submitted_kyc()
        self.neutralize()
        kyc._verify()
        self.assertEqual(kyc.state, "review")
        self.assertEqual(
            kyc.automated_reason,
            "The automated check was not completed: KYC service has no address: set it in Settings, InfluenceGen. "
            "Check the document yourself.",
        )
        self.assertEqual(self.service.received, [])

    def test_a_payment_is_not_begun(self):
        payment = make_payment(self.env, provider="http").with_user(self.finance)
        self.neutralize()
        with self.assertRaisesRegex(UserError, "Payment service has no address: set it in Settings, InfluenceGen."):
            payment.action_pay()
        self.assertEqual((payment.state, payment.attempt_ids.ids), ("pending", []))
        self.assertEqual(self.service.received, [])

    def test_a_payment_under_way_stays_so(self):
        self.service.answers["/payments/transfer"] = [(503, {})]
        payment = make_payment(self.env, provider="http").with_user(self.finance)
        payment.action_pay()
        self.service.received.clear()
        self.neutralize()
        payment.action_settle()
        self.env["influencegen.payment"]._cron_settle()
        self.assertEqual((payment.state, payment.attempt_ids.state), ("processing", "processing"))
        self.assertIn("has no address", payment.attempt_ids.error)
        self.assertEqual(self.service.received, [])

    def test_a_new_payment_asks_nobody(self):
        payments = self.env["influencegen.payment"]
        self.assertEqual(payments._default_provider(), "http")
        self.neutralize()
        self.assertEqual(payments._default_provider(), "manual")


@tagged("post_install", "-at_install")
class TestImages(Neutralized, ImageCase, HttpCase):
    def setUp(self):
        super().setUp()
        self.set_parameter("n8n_webhook_url", f"{self.service.url}/webhook/influencegen-image")
        self.set_parameter("callback_url", "http://production.example/influencegen/image/callback")
        self.set_parameter("webhook_secret", "production's secret")

    def test_a_request_fails_and_says_why(self):
        before = self.request()
        self.neutralize()
        for image in (before, self.request()):
            image._deliver()
            self.assertEqual(image.state, "failed")
            self.assertEqual(image.error, "n8n has no address: set it in Settings, InfluenceGen")
        self.assertEqual(self.service.received, [])

    def test_with_an_address_of_its_own_it_signs_and_is_answered_as_itself(self):
        self.neutralize()
        self.set_parameter("n8n_webhook_url", f"{self.service.url}/webhook/influencegen-image")
        self.service.answers["/webhook/influencegen-image"] = [(202, {})]
        self.request()._deliver()
        [(_path, headers, body)] = self.service.received
        with self.assertRaises(signing.BadSignature):
            signing.verify("production's secret", body, headers)
        self.assertNotIn("production.example", json.loads(body)["callback_url"])

    def test_what_production_is_sent_is_refused(self):
        image = self.request()
        self.neutralize()
        body = json.dumps(self.result(image)).encode()
        headers = {"Content-Type": "application/json", **signing.sign("production's secret", body)}
        with mute_logger("odoo.addons.influencegen.controllers.callback"):
            response = self.url_open("/influencegen/image/callback", data=body, headers=headers)
        self.assertEqual((response.status_code, image.state), (401, "requested"))
