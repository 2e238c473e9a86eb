import json
import threading
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import payment as payment_module
from .campaign_common import CampaignCase, make_payment


@tagged("post_install", "-at_install")
class TestPayment(CampaignCase):
    def http_payment(self, *answers):
        """Return a payment through a payment service that gives `answers` in turn, the last for ever."""
        self.service.answers["/payments/transfer"] = list(answers)
        self.set_parameter("payment_url", f"{self.service.url}/payments")
        return make_payment(self.env, provider="http").with_user(self.finance)

    def test_manual(self):
        payment = make_payment(self.env).with_user(self.finance)
        payment.action_pay()
        attempt = payment.attempt_ids
        self.assertEqual((payment.state, attempt.state, attempt.provider), ("paid", "paid", "manual"))
        self.assertEqual(payment.paid_at, attempt.finished_at)
        self.assertGreater(attempt.finished_at, attempt.started_at)
        with self.assertRaisesRegex(UserError, "Paid"):
            payment.action_pay()

    def test_payment_service(self):
        payment = self.http_payment((200, {"status": "paid"}))
        payment.action_pay()
        [(path, headers, body)] = self.service.received
        reference = payment.attempt_ids.reference
        self.assertEqual((payment.state, path, headers["Idempotency-Key"]), ("paid", "/payments/transfer", reference))
        self.assertEqual(
            json.loads(body),
            {
                "reference": reference,
                "amount": 250.0,
                "currency": payment.currency_id.name,
                "recipient": "bob@example.com",
            },
        )

    def test_failed_payment_is_tried_again_with_a_new_attempt(self):
        payment = self.http_payment(
            (200, {"status": "failed", "error": "no funds"}), (422, {}), (200, {"status": "paid"})
        )
        payment.action_pay()
        self.assertEqual((payment.state, payment.attempt_ids.error), ("failed", "no funds"))
        payment.action_pay()
        self.assertEqual(payment.state, "failed")
        self.assertIn("422", payment.attempt_ids.sorted()[0].error)
        payment.action_pay()
        self.assertEqual(payment.attempt_ids.sorted().mapped("state"), ["paid", "failed", "failed"])
        self.assertEqual(len(set(payment.attempt_ids.mapped("reference"))), 3)

    def test_unknown_outcome_is_settled_with_the_same_reference(self):
        payment = self.http_payment(
            (500, {}), (200, b"<html>"), (200, {"status": "perhaps"}), (200, {"status": "paid"})
        )
        payment.action_pay()
        self.assertEqual((payment.state, payment.attempt_ids.state), ("processing", "processing"))
        self.assertTrue(payment.attempt_ids.error)
        with self.assertRaisesRegex(UserError, "Processing"):
            payment.action_pay()
        payment.action_settle()
        self.assertEqual((payment.state, payment.attempt_ids.state), ("paid", "paid"))
        self.assertFalse(payment.attempt_ids.error)
        keys = {headers["Idempotency-Key"] for path, headers, body in self.service.received}
        self.assertEqual(keys, {payment.attempt_ids.reference})
        payment.action_settle()
        self.assertEqual(len(self.service.received), 4)

    def test_unreachable_service_leaves_the_outcome_open_until_the_cron(self):
        payment = self.http_payment((200, {"status": "paid"}))
        self.set_parameter("payment_url", "http://127.0.0.1:9")
        payment.action_pay()
        self.assertEqual(payment.state, "processing")
        self.set_parameter("payment_url", f"{self.service.url}/payments")
        self.env["influencegen.payment"]._cron_settle()
        self.assertEqual(payment.state, "paid")

    def test_time_out_leaves_the_outcome_open(self):
        release = threading.Event()

        def hang(data):
            release.wait(30)
            return None, None

        payment = self.http_payment()
        self.service.answers["/payments/transfer"] = hang
        self.addCleanup(release.set)
        with patch.object(payment_module, "TIMEOUT", 0.1):
            payment.action_pay()
        self.assertEqual(payment.state, "processing")

    def test_database_refuses_a_second_open_attempt(self):
        payment = make_payment(self.env)
        values = {"payment_id": payment.id, "provider": "http"}
        attempts = self.env["influencegen.payment.attempt"]
        attempts._create_as_system(values)._transition("failed")
        self.env.flush_all()
        attempts._create_as_system(values)._transition("paid")
        self.env.flush_all()
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            attempts._create_as_system(values)

    def test_content_is_paid_once(self):
        payment = make_payment(self.env)
        with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation), self.env.cr.savepoint():
            payment.copy({"content_id": payment.content_id.id})

    def test_who_may_not(self):
        payment = make_payment(self.env)
        for user in (self.user, self.campaign_manager):
            with self.assertRaises(AccessError):
                payment.with_user(user).action_pay()
        with self.assertRaises(AccessError):
            payment.with_user(self.user).read(["amount"])
        with self.assertRaises(AccessError):
            payment.with_user(self.campaign_manager).attempt_ids.read()
        for values in ({"amount": 1}, {"state": "paid"}):
            with self.assertRaises(UserError):
                payment.with_user(self.finance).write(values)
