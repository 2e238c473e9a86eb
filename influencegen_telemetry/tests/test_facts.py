import threading
from contextlib import contextmanager
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import ValidationError
from odoo.service import model as service_model
from odoo.tests import tagged
from odoo.tests.common import TransactionCase

from ..metrics import attempts, facts, store
from ..models import campaign, influencer, payment, reading
from .common import RealTransactionCase

APPLICATIONS = "campaign_applications_total"
ATTEMPTS = "influencer_registration_attempts_total"


class TestFacts(RealTransactionCase):
    def setUp(self):
        super().setUp()
        with self.environment() as env:
            spring, people = self.campaign(env, 12)
            self.campaign_id, self.people_ids = spring.id, people.ids
        self.before = self.counted(APPLICATIONS, (self.campaign_id,))

    def apply(self, env, *numbers):
        """Create the applications of the influencers with these numbers."""
        return self.keep(env["influencegen.application"].create([
            {"campaign_id": self.campaign_id, "influencer_id": self.people_ids[number]} for number in numbers
        ]))

    def assertCountedAsRows(self, expected):
        with self.environment() as env:
            rows = env["influencegen.application"].search_count([("campaign_id", "=", self.campaign_id)])
        self.assertEqual(rows, expected)
        self.assertEqual(self.counted(APPLICATIONS, (self.campaign_id,)) - self.before, expected)

    def test_a_campaign_starts_at_zero(self):
        self.assertIn((APPLICATIONS, self.database, (str(self.campaign_id),), ""), store.read()[0])

    def test_counted_after_commit_only(self):
        with self.environment() as env:
            self.apply(env, 0)
            self.assertEqual(self.counted(APPLICATIONS, (self.campaign_id,)), self.before)
        self.assertCountedAsRows(1)

    def test_several_records_of_one_create(self):
        with self.environment() as env:
            self.apply(env, 0, 1, 2)
        self.assertCountedAsRows(3)

    def test_import_of_a_thousand(self):
        with self.environment() as env:
            _campaign, people = self.campaign(env, 1000)
            ids = people.ids
        with self.environment() as env:
            result = env["influencegen.application"].load(
                ["campaign_id/.id", "influencer_id/.id"], [[str(self.campaign_id), str(person)] for person in ids]
            )
            self.assertFalse(result["messages"])
            self.keep(env["influencegen.application"].browse(result["ids"]))
        self.assertCountedAsRows(1000)

    def test_not_when_rolled_back(self):
        with self.environment() as env:
            self.apply(env, 0)
            env.cr.rollback()
        self.assertCountedAsRows(0)

    def test_not_when_an_exception_follows(self):
        with self.assertRaises(ZeroDivisionError), self.environment() as env:
            self.apply(env, 0)
            env.flush_all()
            raise ZeroDivisionError
        self.assertCountedAsRows(0)

    def test_not_when_its_savepoint_is_rolled_back(self):
        with self.environment() as env:
            self.apply(env, 0)
            with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                self.apply(env, 1, 2)
                raise ZeroDivisionError
            self.apply(env, 3)
        self.assertCountedAsRows(2)

    def test_not_when_an_outer_savepoint_is_rolled_back(self):
        with self.environment() as env:
            with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                self.apply(env, 0)
                with env.cr.savepoint():
                    self.apply(env, 1)
                raise ZeroDivisionError
            with env.cr.savepoint():
                self.apply(env, 2)
                with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                    self.apply(env, 3)
                    raise ZeroDivisionError
        self.assertCountedAsRows(1)

    def test_a_savepoint_rolled_back_several_times(self):
        with self.environment() as env, env.cr.savepoint() as savepoint:
            self.apply(env, 0)
            savepoint.rollback()
            self.apply(env, 1)
            savepoint.rollback()
            self.apply(env, 2)
        self.assertCountedAsRows(1)

    def test_two_transactions_of_one_cursor(self):
        with self.environment() as env:
            self.apply(env, 0)
            env.cr.commit()
            self.apply(env, 1)
            env.cr.rollback()
            self.apply(env, 2)
        self.assertCountedAsRows(2)

    def test_once_when_odoo_repeats_after_a_serialization_failure(self):
        runs = []

        def request(env):
            runs.append(1)
            attempts.count(ATTEMPTS, database=self.database)
            self.apply(env, 0)
            env.flush_all()
            env.cr.execute("SELECT name FROM influencegen_campaign WHERE id = %s", [self.campaign_id])
            if len(runs) < 3:
                with self.cursor() as other:
                    other.execute("UPDATE influencegen_campaign SET fee = fee + 1 WHERE id = %s", [self.campaign_id])
            env.cr.execute("UPDATE influencegen_campaign SET fee = fee + 1 WHERE id = %s", [self.campaign_id])

        before = self.counted(ATTEMPTS)
        with self.environment() as env, patch("time.sleep"):
            service_model.retrying(lambda: request(env), env)
        self.assertEqual(len(runs), 3)
        self.assertCountedAsRows(1)
        self.assertEqual(self.counted(ATTEMPTS), before + 1)

    def test_an_attempt_survives_the_rollback_of_what_it_tried(self):
        before, succeeded = self.counted(ATTEMPTS), self.counted("influencer_registration_success_total")
        with self.assertRaises(ValidationError), self.environment() as env:
            env["influencegen.influencer"]._sign_up({"name": "No", "email": "nobody"}, "api")
        self.assertEqual(self.counted(ATTEMPTS), before + 1)
        self.assertEqual(self.counted("influencer_registration_success_total"), succeeded)

    def test_nothing_is_pending_afterwards(self):
        pending = ("influencegen_telemetry_facts_pending", self.database, (APPLICATIONS,), "")
        for number, end in enumerate(("commit", "rollback")):
            with self.environment() as env:
                self.apply(env, number)
                self.assertEqual(store.read()[0][pending], 1)
                getattr(env.cr, end)()
            self.assertEqual(store.read()[0][pending], 0)

    def test_a_failing_commit_counts_nothing(self):
        with self.assertRaises(SerializationFailure), self.environment() as env:
            self.apply(env, 0)
            env.cr.precommit.add(self._fail)
        self.assertCountedAsRows(0)

    def _fail(self):
        raise SerializationFailure("could not serialize access")

    def test_concurrent_transactions(self):
        def work(number):
            for _ in range(20):
                try:
                    with self.cursor() as cr:
                        facts.count(cr, "payment_processing_attempts_total")
                        if number % 3 == 0:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    pass

        before = self.counted("payment_processing_attempts_total")
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.counted("payment_processing_attempts_total"), before + 8 * 20)

    def test_rows_are_shown_beside_the_counter(self):
        with self.environment() as env:
            self.apply(env, 0, 1, 2)
        with self.environment() as env:
            env["influencegen.telemetry.reading"]._read_database()
            rows = env["influencegen.application"].search_count([])
        self.assertEqual(self.counted("influencegen_telemetry_fact_rows", (APPLICATIONS,)), rows)

    def test_what_was_missed_is_repaired_upward_and_counted(self):
        with self.environment() as env:
            env["influencegen.telemetry.reading"]._read_database()
        with self.environment() as env:
            self.apply(env, 0, 1)
            env.flush_all()
            env.cr.postcommit.clear()
        self.assertEqual(self.counted(APPLICATIONS, (self.campaign_id,)), self.before)
        repaired = self.counted("influencegen_telemetry_facts_repaired_total", (APPLICATIONS,))
        with self.environment() as env, self.assertLogs("odoo.addons.influencegen_telemetry.models.reading", "WARNING"):
            env["influencegen.telemetry.reading"]._read_database()
        self.assertCountedAsRows(2)
        self.assertEqual(self.counted("influencegen_telemetry_facts_repaired_total", (APPLICATIONS,)), repaired + 2)

    def test_a_reading_in_the_middle_of_a_transaction_counts_nothing_twice(self):
        with self.environment() as env:
            self.apply(env, 0)
            env.flush_all()
            with self.environment() as other:
                other["influencegen.telemetry.reading"]._read_database()
        with self.environment() as env:
            env["influencegen.telemetry.reading"]._read_database()
        self.assertCountedAsRows(1)

    def test_a_database_that_can_not_be_read_is_told(self):
        key = ("influencegen_telemetry_errors_total", None, ("database",), "")
        before = store.read()[0].get(key, 0)
        with patch.object(reading, "FRESH_SECONDS", -1), patch.object(reading, "STATEMENT_TIMEOUT_MILLISECONDS", "x"):
            reading.refresh(self.database)
        self.assertEqual(store.read()[0][key], before + 1)


@tagged("post_install", "-at_install")
class TestFactsInTestCursor(TransactionCase):
    def test_nothing_counts_in_a_transaction_that_is_never_committed(self):
        before = store.read()[0].get(("ai_image_generation_requests_total", self.env.cr.dbname, (), ""), 0)
        facts.count(self.env.cr, "ai_image_generation_requests_total")
        self.env.flush_all()
        after = store.read()[0].get(("ai_image_generation_requests_total", self.env.cr.dbname, (), ""), 0)
        self.assertEqual(before, after)


@contextmanager
def without_overrides():
    """Let the platform's models run as they do without the telemetry addon."""
    overrides = [
        (owner, name, vars(owner)[name])
        for owner in (influencer.Influencer, campaign.Campaign, campaign.Application, campaign.Content,
                      payment.PaymentAttempt)
        for name in ("create", "_transition", "_sign_up")
        if name in vars(owner)
    ]
    for owner, name, _function in overrides:
        delattr(owner, name)
    try:
        yield
    finally:
        for owner, name, function in overrides:
            setattr(owner, name, function)


@tagged("post_install", "-at_install")
class TestStatements(TransactionCase):
    def test_telemetry_adds_no_statement(self):
        """Creating and moving records takes as many statements with the addon's overrides as without them."""
        brand = self.env["res.partner"].create({"name": "Brand"})

        def business():
            spring = self.env["influencegen.campaign"].create({"name": "Spring", "brand_id": brand.id, "fee": 10})
            spring.action_open()
            people = self.env["influencegen.influencer"].create([
                {"name": "Ada", "email": f"ada{spring.id}-{number}@example.com", "birthdate": "1990-01-01"}
                for number in range(3)
            ])
            people._transition("kyc_pending")
            people._transition("active")
            applications = self.env["influencegen.application"].create([
                {"campaign_id": spring.id, "influencer_id": person.id} for person in people
            ])
            applications.action_accept()
            contents = self.env["influencegen.content"].create([
                {"application_id": application.id, "url": "https://example.com/post"} for application in applications
            ])
            contents.action_accept()
            contents.payment_ids.action_pay()
            self.env.flush_all()

        def statements():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            business()
            return self.env.cr.sql_log_count - before

        statements()
        measured = statements()
        with without_overrides():
            self.assertEqual(measured, statements())
