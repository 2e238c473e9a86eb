import json
import threading
import time
from contextlib import closing
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from psycopg2.errors import UniqueViolation

from odoo import api
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from .common import InfluenceGenCase

ADULT_TODAY = date.today() - relativedelta(years=18)

REFUSED = [
    ("no name", {"name": " "}, "name"),
    ("name of another type", {"name": {"first": "Ada"}}, "name"),
    ("no e-mail", {"email": None}, "e-mail"),
    ("bad e-mail", {"email": "ada(at)example"}, "e-mail"),
    ("no date of birth", {"birthdate": None}, "birth"),
    ("garbled date of birth", {"birthdate": "yesterday"}, "birth"),
    ("date of birth of another type", {"birthdate": 19940512}, "birth"),
    ("under age", {"birthdate": str(ADULT_TODAY + timedelta(days=2))}, "18"),
    ("no consent", {"consent": False}, "Consent"),
    ("consent as text", {"consent": "false"}, "Consent"),
    ("handles of another type", {"handles": "ada"}, "handle"),
    ("handle without a name", {"handles": [{"platform": "x", "handle": " "}]}, "handle"),
    ("unknown platform", {"handles": [{"platform": "myspace", "handle": "ada"}]}, "platforms"),
]


@tagged("post_install", "-at_install")
class TestRegistration(InfluenceGenCase, TransactionCase):
    def test_success_creates_influencer_user_and_kyc(self):
        influencer = self.register(" Ada@Example.COM ", birthdate=str(ADULT_TODAY))
        self.assertEqual(influencer.state, "kyc_pending")
        self.assertEqual(influencer.email, "ada@example.com")
        self.assertEqual(influencer.source, "portal")
        self.assertTrue(influencer.consent_at)
        self.assertEqual(influencer.handle_ids.mapped("handle"), ["ada.bakes"])
        self.assertEqual(influencer.kyc_ids.state, "awaiting_document")
        user = influencer.user_id
        self.assertEqual(user.login, "ada@example.com")
        self.assertTrue(user._is_portal())
        self.assertEqual(influencer.partner_id, user.partner_id)
        invitation = self.env["mail.mail"].sudo().search([("recipient_ids", "=", user.partner_id.id)])
        self.assertEqual(len(invitation), 1)
        self.assertRegex(invitation.body_html, r"/web/signup\?.*token=")
        self.assertEqual(invitation.state, "outgoing")

    def test_refused_values(self):
        for name, values, message in REFUSED:
            with self.subTest(name), self.assertRaisesRegex(ValidationError, message):
                self.register(**values)

    def test_duplicate(self):
        self.register()
        with self.assertRaisesRegex(ValidationError, "already registered"):
            self.register("ADA@example.com")

    def test_login_of_someone_else_is_not_taken_over(self):
        self.employee.login = "boss@example.com"
        with self.assertRaisesRegex(ValidationError, "already registered"):
            self.register("boss@example.com")

    def test_email_is_unique_per_company(self):
        values = {"name": "Bea", "email": "bea@example.com", "birthdate": "1990-01-01"}
        influencers = self.env["influencegen.influencer"]
        influencers.create(values)
        influencers.with_company(self.other_company).create(values)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
            influencers.create(values)

    def test_back_office_invites_with_consent_only(self):
        with Form(self.env["influencegen.influencer"].with_user(self.campaign_manager)) as form:
            form.name = "Bea"
            form.email = "bea@example.com"
            form.birthdate = "1990-01-01"
        influencer = form.record
        self.assertEqual((influencer.state, influencer.source), ("registered", "backoffice"))
        with self.assertRaisesRegex(UserError, "consent of Bea"):
            influencer.action_start_kyc()
        influencer.action_record_consent()
        with self.assertRaisesRegex(UserError, "recorded already"):
            influencer.action_record_consent()
        influencer.action_start_kyc()
        self.assertEqual(influencer.state, "kyc_pending")
        self.assertTrue(influencer.user_id._is_portal())

    def test_suspend_and_reactivate(self):
        influencer = self.active_influencer().with_user(self.campaign_manager)
        influencer.action_suspend()
        self.assertEqual(influencer.state, "suspended")
        influencer.action_reactivate()
        self.assertEqual(influencer.state, "active")


@tagged("post_install", "-at_install")
class TestConcurrentRegistration(InfluenceGenCase, HttpCase):
    """Registrations in transactions of their own: what they leave is removed by hand."""

    registry_test_mode = False

    def test_concurrent_duplicates(self):
        email = "race@example.com"
        refusals = []

        def register_too(env):
            try:
                env["influencegen.influencer"]._sign_up(self.registration(email), "api")
            except ValidationError as error:
                refusals.append(error.args[0])

        with self.registry.cursor() as first, closing(self.registry.cursor()) as second:
            env = api.Environment(first, api.SUPERUSER_ID, {})
            influencer = env["influencegen.influencer"]._sign_up(self.registration(email), "api")
            self.addCleanup(self.remove, influencer.id)
            thread = threading.Thread(target=register_too, args=(api.Environment(second, api.SUPERUSER_ID, {}),))
            thread.start()
            self.wait_until_blocked_by(first)
            first.commit()
            thread.join(30)
        self.assertEqual(refusals, ["This e-mail address is already registered."])

    def wait_until_blocked_by(self, blocking):
        """Wait until a transaction waits for that of the cursor `blocking`."""
        deadline = time.monotonic() + 20
        with self.registry.cursor() as cr:
            while time.monotonic() < deadline:
                cr.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))",
                    [blocking._cnx.get_backend_pid()],
                )
                if cr.rowcount:
                    return
                cr.rollback()
                time.sleep(0.02)
        self.fail("the second registration did not wait for the first")

    def remove(self, influencer_id):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, api.SUPERUSER_ID, {})
            influencer = env["influencegen.influencer"].browse(influencer_id)
            user, partner = influencer.user_id, influencer.partner_id
            env["mail.mail"].search([("recipient_ids", "=", partner.id)]).unlink()
            influencer.unlink()
            user.unlink()
            partner.unlink()


@tagged("post_install", "-at_install")
class TestRegistrationPages(InfluenceGenCase, HttpCase):
    def post_json(self, values):
        return self.url_open(
            "/influencegen/api/register",
            data=values if isinstance(values, bytes) else json.dumps(values).encode(),
            headers={"Content-Type": "application/json"},
        )

    def count(self, email="ada@example.com"):
        return self.env["influencegen.influencer"].search_count([("email", "=", email)])

    def post_form(self, **values):
        self.authenticate(None, None)
        page = self.url_open("/influencegen/register")
        token = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        values = {"name": "Ada", "email": "ada@example.com", "birthdate": "1994-05-12", "consent": "on", **values}
        return self.url_open(
            "/influencegen/register",
            data={"csrf_token": token, "platform": ["instagram", "x"], "handle": ["ada.bakes", ""], **values},
        )

    def test_json_success(self):
        response = self.post_json(self.registration())
        self.assertEqual(response.status_code, 201, response.text)
        influencer = self.env["influencegen.influencer"].search([("email", "=", "ada@example.com")])
        self.assertEqual(response.json(), {"id": influencer.id, "state": "kyc_pending"})
        self.assertEqual(influencer.source, "api")

    def test_json_refusals_leave_nothing(self):
        for name, values, message in REFUSED:
            with self.subTest(name):
                response = self.post_json(self.registration(**values))
                self.assertEqual(response.status_code, 400)
                self.assertRegex(response.json()["error"], message)
                self.assertFalse(self.count())
                self.assertFalse(self.env["res.users"].search_count([("login", "=", "ada@example.com")]))

    def test_json_duplicate(self):
        self.post_json(self.registration())
        response = self.post_json(self.registration())
        self.assertEqual(response.status_code, 400)
        self.assertIn("already registered", response.json()["error"])
        self.assertEqual(self.count(), 1)

    def test_json_garbage(self):
        for body in (b" ", b"{", b"[]", b"\xff\xfe"):
            with self.subTest(body=body):
                response = self.post_json(body)
                self.assertEqual(response.status_code, 400)
                self.assertIn("JSON object", response.json()["error"])

    def test_json_too_large(self):
        self.assertEqual(self.post_json(b" " * 70_000).status_code, 413)

    def test_form_success(self):
        response = self.post_form()
        self.assertEqual(response.status_code, 200)
        self.assertIn("Welcome, Ada", response.text)
        influencer = self.env["influencegen.influencer"].search([("email", "=", "ada@example.com")])
        self.assertEqual(influencer.source, "portal")
        self.assertEqual(influencer.handle_ids.mapped("handle"), ["ada.bakes"])

    def test_form_shows_what_is_wrong_and_keeps_the_rest(self):
        response = self.post_form(birthdate=str(date.today()))
        self.assertEqual(response.status_code, 400)
        self.assertIn("at least 18 years old", response.text)
        self.assertIn('value="ada.bakes"', response.text)
        self.assertFalse(self.count())

    def test_form_needs_its_token(self):
        with mute_logger("odoo.http"):
            response = self.url_open("/influencegen/register", data={"name": "Ada"})
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self.count())
