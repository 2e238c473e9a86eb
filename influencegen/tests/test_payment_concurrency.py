import threading
from contextlib import nullcontext
from unittest.mock import patch

from tenacity import wait_none

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged

from ..models import api as api_module
from ..models.payment import Payment
from .campaign_common import make_payment
from .common import Service, forbid_commit

THREADS = 8


@tagged("post_install", "-at_install")
class TestPaymentConcurrency(BaseCase):
    """Real transactions, that are committed, and cleaned up after."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        # the thread that runs the tests may hold the lock that other threads need to open an environment
        self.startPatcher(patch.object(Registry, "_lock", threading.RLock()))
        self.paid = {}
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.answers["/transfer"] = self.answer
        api_module._breakers.clear()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            parameters = env["ir.config_parameter"]
            self.addCleanup(self.set_url, parameters.get_param("influencegen.payment_url"))
            parameters.set_param("influencegen.payment_url", self.service.url)
            self.payment_id = make_payment(env, "Concurrent", provider="http").id
        self.addCleanup(self.forget)

    def answer(self, data):
        """The provider: it adds up the amounts by reference, and answers "paid" each time it is asked."""
        self.paid.setdefault(data["reference"], 0)
        self.paid[data["reference"]] += data["amount"]
        return 200, {"status": "paid"}

    def set_url(self, url):
        with self.registry.cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["ir.config_parameter"].set_param("influencegen.payment_url", url)

    def forget(self):
        with self.registry.cursor() as cr:
            payment = api.Environment(cr, SUPERUSER_ID, {})["influencegen.payment"].browse(self.payment_id)
            content = payment.content_id
            application, campaign = content.application_id, content.campaign_id
            influencer, brand = content.influencer_id, campaign.brand_id
            payment.attempt_ids.unlink()
            for record in (payment, content, application, campaign, influencer, brand):
                record.unlink()

    def act(self, method, context=lambda _cr: nullcontext()):
        """Call `method` of the payment in a transaction of its own, within a context; return what it raised."""
        try:
            with self.registry.cursor() as cr, context(cr):
                getattr(api.Environment(cr, SUPERUSER_ID, {})["influencegen.payment"].browse(self.payment_id), method)()
        except BaseException as error:
            return error

    def read(self):
        with self.registry.cursor() as cr:
            payment = api.Environment(cr, SUPERUSER_ID, {})["influencegen.payment"].browse(self.payment_id)
            return payment.state, payment.attempt_ids.mapped("state")

    def test_money_moves_once(self):
        start = threading.Barrier(THREADS)
        errors = []

        def pay():
            start.wait()
            errors.append(self.act("action_pay"))

        threads = [threading.Thread(target=pay) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([error for error in errors if error and not isinstance(error, UserError)], [])
        self.assertEqual(sum(error is None for error in errors), 1)
        self.assertEqual(self.read(), ("paid", ["paid"]))
        self.assertEqual(len(self.service.received), 1)

    def test_a_crash_after_the_transfer_is_settled_with_the_same_reference(self):
        transfer = Payment._transfer_http

        def crash(payment, attempt):
            transfer(payment, attempt)
            raise SystemExit("killed")

        with patch.object(Payment, "_transfer_http", crash):
            self.assertIsInstance(self.act("action_pay"), SystemExit)
        self.assertEqual(self.read(), ("processing", ["processing"]))
        self.assertIsInstance(self.act("action_pay"), UserError)
        self.assertIsNone(self.act("_cron_settle"))
        self.assertEqual(self.read(), ("paid", ["paid"]))
        self.assertEqual((len(self.service.received), len(self.paid)), (2, 1))

    def test_a_job_pays_and_settles_too(self):
        """The attempt is committed before the provider is asked, on a cursor that the job may commit."""
        states = []

        def unreadable(data):
            states.append(self.read())
            return 200, {}

        self.service.answers["/transfer"] = unreadable
        with patch.object(api_module, "WAIT", wait_none()):
            self.assertIsNone(self.act("action_pay", forbid_commit))
        self.assertEqual(set(map(str, states)), {str(("processing", ["processing"]))})
        self.service.answers["/transfer"] = self.answer
        self.assertIsNone(self.act("_cron_settle", forbid_commit))
        self.assertEqual(self.read(), ("paid", ["paid"]))

    def test_asked_by_one_at_a_time(self):
        asked, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)
        transfer = Payment._transfer_http

        def slow(payment, attempt):
            asked.set()
            release.wait(30)
            return transfer(payment, attempt)

        with patch.object(Payment, "_transfer_http", slow):
            thread = threading.Thread(target=self.act, args=["action_pay"])
            thread.start()
            asked.wait(30)
            for method in ("action_pay", "action_settle"):
                self.assertIsInstance(self.act(method), UserError)
            self.assertIsNone(self.act("_cron_settle"))
            release.set()
            thread.join()
        self.assertEqual(self.read(), ("paid", ["paid"]))
        self.assertEqual(len(self.service.received), 1)
