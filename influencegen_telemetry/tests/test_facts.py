import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.exceptions import UserError, ValidationError
from odoo.service import model as service_model
from odoo.tests import tagged
from odoo.tests.common import TransactionCase

from odoo.addons.influencegen.tests.common import PDF
from odoo.addons.odoo_telemetry.metrics import attempts, facts
from odoo.addons.odoo_telemetry.models import reading

from ..business.metrics import REGISTRATION_ATTEMPTS
from .common import BusinessCase

APPLICATIONS = "campaign_applications_total"
ATTEMPTS = "influencer_registration_attempts_total"


class TestFacts(BusinessCase):
    def setUp(self):
        super().setUp()
        with self.environment() as env:
            spring, people = self.campaign(env, 12)
            self.campaign_id, self.people_ids = spring.id, people.ids

    def applied(self):
        """Return how many applications of the campaign a scrape shows."""
        return self.fact(APPLICATIONS, (self.campaign_id,))

    def apply(self, env, *numbers):
        """Create the applications of the influencers with these numbers."""
        return self.delete_later(
            env["influencegen.application"].create(
                [{"campaign_id": self.campaign_id, "influencer_id": self.people_ids[number]} for number in numbers]
            )
        )

    def assertCountedAsRows(self, expected):
        with self.environment() as env:
            rows = env["influencegen.application"].search_count([("campaign_id", "=", self.campaign_id)])
        self.assertEqual(rows, expected)
        self.assertEqual(self.applied(), expected)

    def test_a_campaign_starts_at_zero(self):
        reading.refresh(self.database)
        self.assertIn((APPLICATIONS, self.database, (str(self.campaign_id),), ""), facts.values(self.database))

    def test_counted_after_commit_only(self):
        with self.environment() as env:
            self.apply(env, 0)
            self.assertEqual(self.applied(), 0)
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
            self.delete_later(env["influencegen.application"].browse(result["ids"]))
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
            attempts.count(REGISTRATION_ATTEMPTS, database=self.database)
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
        before, succeeded = self.counted(ATTEMPTS), self.fact("influencer_registration_success_total")
        with self.assertRaises(ValidationError), self.environment() as env:
            env["influencegen.influencer"]._sign_up({"name": "No", "email": "nobody"}, "api")
        self.assertEqual(self.counted(ATTEMPTS), before + 1)
        self.assertEqual(self.fact("influencer_registration_success_total"), succeeded)

    def test_a_failing_commit_counts_nothing(self):
        with self.assertRaises(SerializationFailure), self.environment() as env:
            self.apply(env, 0)
            env.cr.precommit.add(self._fail)
        self.assertCountedAsRows(0)

    def _fail(self):
        raise SerializationFailure("could not serialize access")

    def test_savepoints_that_do_not_flush(self):
        with self.environment() as env:
            self.apply(env, 0)
            savepoint = env.cr.savepoint(flush=False)
            self.apply(env, 1)
            env.flush_all()
            savepoint.close(rollback=True)
            env.invalidate_all(flush=False)
            self.apply(env, 2)
            with env.cr.savepoint(flush=False):
                self.apply(env, 3)
        self.assertCountedAsRows(3)

    def test_savepoints_of_sql(self):
        with self.environment() as env:
            env.cr.execute("SAVEPOINT outside")
            self.apply(env, 0)
            with env.cr.savepoint():
                self.apply(env, 1)
            env.cr.execute("SAVEPOINT inside")
            self.apply(env, 2)
            env.flush_all()
            env.cr.execute("ROLLBACK TO SAVEPOINT inside")
            env.cr.execute("RELEASE SAVEPOINT inside")
            env.invalidate_all(flush=False)
        self.assertCountedAsRows(2)
        with self.environment() as env:
            env.cr.execute("SAVEPOINT outside")
            with env.cr.savepoint():
                self.apply(env, 3)
            env.cr.execute("ROLLBACK TO SAVEPOINT outside")
            env.invalidate_all(flush=False)
        self.assertCountedAsRows(2)

    def test_a_savepoint_released_in_one_that_is_rolled_back(self):
        with self.environment() as env:
            self.apply(env, 0)
            with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                with env.cr.savepoint():
                    self.apply(env, 1)
                with env.cr.savepoint(flush=False):
                    self.apply(env, 2)
                raise ZeroDivisionError
        self.assertCountedAsRows(1)

    def test_created_and_deleted_in_one_transaction(self):
        with self.environment() as env:
            made = self.apply(env, 0, 1, 2)
            with env.cr.savepoint():
                made[0].unlink()
            env.cr.execute("DELETE FROM influencegen_application WHERE id = %s", [made[1].id])
        self.assertCountedAsRows(1)

    def test_a_deletion_is_undone_with_its_savepoint(self):
        with self.environment() as env:
            made = self.apply(env, 0, 1)
            with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                made.unlink()
                env.flush_all()
                raise ZeroDivisionError
        self.assertCountedAsRows(2)

    def test_a_later_deletion_leaves_the_counter(self):
        with self.environment() as env:
            made = self.apply(env, 0, 1)
            ids = made.ids
        self.assertCountedAsRows(2)
        with self.environment() as env:
            env["influencegen.application"].browse(ids).unlink()
            self.apply(env, 2)
        self.assertEqual(self.applied(), 3)

    def test_the_field_that_decides_is_written_later(self):
        name = "influencer_registration_success_total"
        before = self.fact(name)
        with self.environment() as env:
            people = self.delete_later(
                env["influencegen.influencer"]._create_as_system(
                    [
                        {
                            "name": "Ada",
                            "email": f"{uuid.uuid4()}@example.com",
                            "birthdate": "1990-01-01",
                            "source": "portal",
                        }
                        for _ in range(3)
                    ]
                )
            )
            with env.cr.savepoint():
                people[0]._as_system().source = "backoffice"
            env.flush_all()
            env.cr.execute("UPDATE influencegen_influencer SET source = 'backoffice' WHERE id = %s", [people[1].id])
        self.assertEqual(self.fact(name), before + 1)

    def test_second_cursors(self):
        with self.environment() as env:
            self.apply(env, 0)
            with self.environment() as second:
                self.apply(second, 1)
            with self.assertRaises(ZeroDivisionError), self.environment() as third:
                self.apply(third, 2)
                third.flush_all()
                raise ZeroDivisionError
            self.assertEqual(self.applied(), 1)
        self.assertCountedAsRows(2)

    def test_rows_written_by_sql_alone(self):
        with self.environment() as env:
            [made] = self.apply(env, 0)
            env.flush_all()
            env.cr.execute(
                "INSERT INTO influencegen_application (campaign_id, influencer_id, company_id, state)"
                " SELECT campaign_id, %s, company_id, 'submitted' FROM influencegen_application WHERE id = %s"
                " RETURNING id",
                [self.people_ids[1], made.id],
            )
            self.delete_later(env["influencegen.application"].browse(env.cr.fetchone()))
        self.assertCountedAsRows(2)

    def test_of_two_applications_at_the_same_moment_one_is_refused_and_one_counts(self):
        def apply(env):
            campaign = env["influencegen.campaign"].browse(self.campaign_id)
            return self.delete_later(campaign._apply(env["influencegen.influencer"].browse(self.people_ids[0])))

        with self.environment() as first:
            # what it sees is from before the other one
            first["influencegen.campaign"].browse(self.campaign_id).application_ids.ids  # noqa: B018
            with self.environment() as second:
                apply(second)
            with self.assertRaisesRegex(UserError, "already applied"):
                apply(first)
        self.assertCountedAsRows(1)

    def test_an_import_with_errors_counts_nothing(self):
        rows = [[str(self.campaign_id), str(person)] for person in self.people_ids]
        with self.environment() as env:
            result = env["influencegen.application"].load(
                ["campaign_id/.id", "influencer_id/.id"], [*rows, [str(self.campaign_id), "0"]]
            )
            self.assertTrue(result["messages"])
        self.assertCountedAsRows(0)

    def test_an_application_moved_to_another_campaign(self):
        with self.environment() as env:
            summer, _people = self.campaign(env)
            [made] = self.apply(env, 0)
            summer_id, made_id = summer.id, made.id
        self.assertCountedAsRows(1)
        with self.environment() as env:
            env["influencegen.application"].browse(made_id)._as_system().campaign_id = summer_id
        self.assertEqual(self.applied(), 1)
        self.assertEqual(self.fact(APPLICATIONS, (summer_id,)), 0)

    def test_an_observation_commits_with_its_fact(self):
        name = "ai_image_generation_end_to_end_latency_seconds"
        before, counted = self.fact(name, sample="sum"), self.fact(name, sample="7.5")
        with self.environment() as env:
            images = self.delete_later(
                env["influencegen.image"].create(
                    [
                        {"model_id": env["influencegen.image.model"].search([], limit=1).id, "prompt": "A lighthouse"}
                        for _ in range(3)
                    ]
                )
            )
            done = images[0].requested_at + timedelta(seconds=6)
            images[0]._transition("done", finished_at=done, cost_usd=0.5)
            with self.assertRaises(ZeroDivisionError), env.cr.savepoint():
                images[1]._transition("done", finished_at=done)
                env.flush_all()
                raise ZeroDivisionError
            images[2]._transition("done", finished_at=done)
            images[2].unlink()
        self.assertEqual(self.fact(name, sample="7.5"), counted + 1)
        self.assertAlmostEqual(self.fact(name, sample="sum"), before + 6, delta=0.001)

    def test_an_image_without_a_cost_is_left_out_of_the_mean(self):
        with self.environment() as env:
            model = self.delete_later(
                env["influencegen.image.model"].create({"code": str(uuid.uuid4()), "name": "Trial"})
            )
            images = self.delete_later(
                env["influencegen.image"].create([{"model_id": model.id, "prompt": "A lighthouse"} for _ in range(3)])
            )
            for image, cost in zip(images, (0.2, 0.4, None), strict=True):
                image._transition("done", finished_at=image.requested_at, cost_usd=cost)
            env.flush_all()
            env.cr.execute("UPDATE influencegen_image SET cost_usd = NULL WHERE id = %s", [images[2].id])
            code = model.code
        self.assertAlmostEqual(self.fact("ai_image_generation_cost_per_image_usd", (code,)), 0.3)

    def test_concurrent_transactions(self):
        def work(number):
            for application in range(10):
                with suppress(ZeroDivisionError), self.environment() as env:
                    env.cr.execute(
                        "INSERT INTO influencegen_application (campaign_id, influencer_id, company_id, state)"
                        " SELECT id, %s, company_id, 'submitted' FROM influencegen_campaign WHERE id = %s",
                        [people[10 * number + application], self.campaign_id],
                    )
                    if number % 3 == 0:
                        raise ZeroDivisionError
                self.applied()

        with self.environment() as env:
            people = self.campaign(env, 120)[1].ids
            self.addCleanup(self._delete_applications)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertCountedAsRows(8 * 10)

    def _delete_applications(self):
        with self.cursor() as cr:
            cr.execute("DELETE FROM influencegen_application WHERE campaign_id = %s", [self.campaign_id])

    def test_a_copy_of_a_kyc_record_is_a_draft(self):
        name = "influencer_kyc_submissions_total"
        with self.environment() as env:
            _campaign, people = self.campaign(env)
            kyc = self.delete_later(env["influencegen.kyc"].create({"influencer_id": people.id}))
            kyc._submit_document("passport", "passport.pdf", PDF)
            kyc_id = kyc.id
        before = self.fact(name)
        with self.environment() as env:
            copy = self.delete_later(env["influencegen.kyc"].browse(kyc_id).copy())
            written = {
                field: copy[field]
                for field in copy._fields
                if field.endswith(("_at", "_outcome", "reason")) or field in ("reviewer_id", "verification_type")
            }
            self.assertFalse(any(written.values()), written)
            copy_id = copy.id
        self.assertEqual(self.fact(name), before)
        with self.environment() as env:
            env["influencegen.kyc"].browse(copy_id)._submit_document("passport", "passport.pdf", PDF)
        self.assertEqual(self.fact(name), before + 1)


@tagged("post_install", "-at_install")
class TestFactsInTestCursor(TransactionCase):
    def test_nothing_counts_in_a_transaction_that_is_never_committed(self):
        def requests():
            reading.refresh(self.env.cr.dbname)
            return facts.values(self.env.cr.dbname)["ai_image_generation_requests_total", self.env.cr.dbname, (), ""]

        before = requests()
        model = self.env["influencegen.image.model"].search([], limit=1)
        self.env["influencegen.image"].create({"model_id": model.id, "prompt": "A lighthouse"})
        self.env.flush_all()
        self.assertEqual(requests(), before)
