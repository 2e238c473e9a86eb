import json
import re
import threading
import time
from contextlib import closing
from datetime import date, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta
from psycopg2.errors import UniqueViolation

from odoo import api
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, HttpCase, TransactionCase, tagged
from odoo.tools import config, mute_logger

from .common import InfluenceGenCase

ADULT_TODAY = date.today() - relativedelta(years=18)

REFUSED = [
    ("no name", {"name": " "}, "name"),
    ("name of another type", {"name": {"first": "Ada"}}, "name"),
    ("long name", {"name": "A" * 201}, "200"),
    ("long e-mail", {"email": "a" * 250 + "@example.com"}, "e-mail"),
    ("no e-mail", {"email": None}, "e-mail"),
    ("bad e-mail", {"email": "ada(at)example"}, "e-mail"),
    ("no date of birth", {"birthdate": None}, "birth"),
    ("garbled date of birth", {"birthdate": "yesterday"}, "birth"),
    ("date of birth of another type", {"birthdate": 19940512}, "birth"),
    ("date of birth that is true", {"birthdate": True}, "birth"),
    ("date of birth with a time", {"birthdate": "1994-05-12 00:00:00"}, "birth"),
    ("date of birth that does not exist", {"birthdate": "1994-02-30"}, "birth"),
    ("under age", {"birthdate": str(ADULT_TODAY + timedelta(days=2))}, "18"),
    ("no consent", {"consent": False}, "Consent"),
    ("consent as a number", {"consent": 1}, "Consent"),
    ("consent as text", {"consent": "false"}, "Consent"),
    ("handles of another type", {"handles": "ada"}, "handle"),
    ("handle without a name", {"handles": [{"platform": "x", "handle": " "}]}, "handle"),
    ("long handle", {"handles": [{"platform": "x", "handle": "a" * 101}]}, "100"),
    ("many handles", {"handles": [{"platform": "x", "handle": "ada"}] * 21}, "20"),
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
        self.assertRegex(invitation.body_html, r'href="http[^"]+/my/influencegen"')
        self.assertIn("Set your password", invitation.subject)
        self.assertEqual(invitation.state, "outgoing")

    def test_refused_values(self):
        for name, values, message in REFUSED:
            with self.subTest(name), self.assertRaisesRegex(ValidationError, message):
                self.register(**values)

    def reminders(self, email):
        return (
            self.env["mail.mail"]
            .sudo()
            .search([("email_to", "=", email), ("subject", "=like", "%already registered%")])
        )

    def test_owner_of_a_taken_address_is_notified_once_a_day(self):
        self.register()
        for _again in range(3):
            self.assertFalse(self.register("ADA@example.com"))
        self.assertEqual(self.env["influencegen.influencer"].search_count([("email", "=", "ada@example.com")]), 1)
        self.assertEqual(len(self.reminders("ada@example.com")), 1)
        self.assertIn("/web/reset_password", self.reminders("ada@example.com").body_html)

    def test_login_of_someone_else_is_not_taken_over(self):
        self.employee.login = "boss@example.com"
        before = self.env["res.users"].search_count([]), self.env["influencegen.influencer"].search_count([])
        self.assertFalse(self.register("boss@example.com"))
        after = self.env["res.users"].search_count([]), self.env["influencegen.influencer"].search_count([])
        self.assertEqual(after, before)
        self.assertEqual(len(self.reminders("boss@example.com")), 1)

    def test_a_taken_address_is_validated_like_a_new_one(self):
        self.register()
        with self.assertRaisesRegex(ValidationError, "18"):
            self.register(birthdate=str(date.today()))

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
        with self.assertRaisesRegex(UserError, "already been recorded"):
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
        others = []

        def register_too(env):
            others.append(env["influencegen.influencer"]._sign_up(self.registration(email), "api"))

        with self.registry.cursor() as first, closing(self.registry.cursor()) as second:
            env = api.Environment(first, api.SUPERUSER_ID, {})
            influencer = env["influencegen.influencer"]._sign_up(self.registration(email), "api")
            self.addCleanup(self.remove, influencer.id)
            thread = threading.Thread(target=register_too, args=(api.Environment(second, api.SUPERUSER_ID, {}),))
            thread.start()
            self.wait_until_blocked_by(first)
            first.commit()
            thread.join(30)
        self.assertEqual(list(map(len, others)), [0])

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
            env["influencegen.throttle"].search([]).unlink()
            influencer.unlink()
            user.unlink()
            partner.unlink()


@tagged("post_install", "-at_install")
class TestRegistrationPages(InfluenceGenCase, HttpCase):
    def post_json(self, values, **headers):
        return self.url_open(
            "/influencegen/api/register",
            data=values if isinstance(values, bytes) else json.dumps(values).encode(),
            headers={"Content-Type": "application/json", **headers},
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
        self.assertEqual(response.status_code, 202, response.text)
        influencer = self.env["influencegen.influencer"].search([("email", "=", "ada@example.com")])
        self.assertEqual(response.json(), {"state": "received"})
        self.assertEqual(influencer.state, "kyc_pending")
        self.assertEqual(influencer.source, "api")

    def test_json_refusals_leave_nothing(self):
        self.set_parameter("registrations_per_client", "100")
        for name, values, message in REFUSED:
            with self.subTest(name):
                response = self.post_json(self.registration(**values))
                self.assertEqual(response.status_code, 400)
                self.assertRegex(response.json()["error"], message)
                self.assertFalse(self.count())
                self.assertFalse(self.env["res.users"].search_count([("login", "=", "ada@example.com")]))

    def test_the_answer_does_not_reveal_accounts(self):
        self.employee.login = "boss@example.com"
        answers = [
            self.post_json(self.registration(email))
            for email in ("ada@example.com", "ada@example.com", "boss@example.com")
        ]
        self.assertEqual({(answer.status_code, answer.text) for answer in answers}, {(202, '{"state": "received"}')})
        self.assertEqual(self.count(), 1)
        pages = [self.post_form(email=email) for email in ("bea@example.com", "bea@example.com", "boss@example.com")]
        shown = {
            (page.status_code, re.sub(r"csrf_token.*|odoo.__session_info__.*|\w+@example.com", "", page.text))
            for page in pages
        }
        self.assertEqual(len(shown), 1)

    def test_a_client_may_not_register_on_and_on(self):
        self.set_parameter("registrations_per_client", "2")
        for number in range(2):
            self.assertEqual(self.post_json(self.registration(f"ada{number}@example.com")).status_code, 202)
        response = self.post_json(self.registration("ada3@example.com"))
        self.assertEqual(response.status_code, 429)
        self.assertTrue(0 < int(response.headers["Retry-After"]) <= 1800)
        self.assertFalse(self.count("ada3@example.com"))
        response = self.post_form(email="ada3@example.com")
        self.assertEqual(response.status_code, 429)
        self.assertIn("too many registrations", response.text)
        self.assertIn("Retry-After", response.headers)
        # X-Forwarded-For without a proxy in front is what anybody may send
        response = self.post_json(self.registration("ada3@example.com"), **{"X-Forwarded-For": "198.51.100.7"})
        self.assertEqual(response.status_code, 429)

    def test_behind_a_proxy_the_client_is_who_the_proxy_saw(self):
        self.set_parameter("registrations_per_client", "1")

        def post(email, seen):
            headers = {"X-Forwarded-Host": "odoo.example", "X-Forwarded-For": f"203.0.113.9, {seen}"}
            return self.post_json(self.registration(email), **headers).status_code

        with patch.dict(config.options, {"proxy_mode": True}):
            self.assertEqual(post("a@example.com", "198.51.100.7"), 202)
            self.assertEqual(post("b@example.com", "198.51.100.7"), 429)
            self.assertEqual(post("b@example.com", "2001:db8:1:2:3::4"), 202)
            self.assertEqual(post("c@example.com", "2001:db8:1:2:ffff::1"), 429)

    def test_all_clients_together(self):
        self.set_parameter("registrations_per_hour", "1")
        self.assertEqual(self.post_json(self.registration()).status_code, 202)
        self.assertEqual(self.post_json(self.registration("bea@example.com")).status_code, 429)

    def test_json_garbage(self):
        for body in (b" ", b"{", b"[]", b"\xff\xfe", b"[" * 20_000, b'{"name": ' * 5_000):
            with self.subTest(body=body):
                response = self.post_json(body)
                self.assertEqual(response.status_code, 400)
                self.assertIn("JSON object", response.json()["error"])
        for name in ('"Ada\\u0000"', '"Ada \\ud800"', "NaN", "1e999", '{"\\u0000": 1}'):
            with self.subTest(name=name):
                response = self.post_json(b'{"name": %s}' % name.encode())
                self.assertEqual(response.status_code, 400)
                self.assertIn("NUL", response.json()["error"])

    def test_json_too_large(self):
        self.assertEqual(self.post_json(b" " * 70_000).status_code, 413)

    def test_form_success(self):
        response = self.post_form()
        self.assertEqual(response.status_code, 200)
        self.assertIn("Check your e-mail", response.text)
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
