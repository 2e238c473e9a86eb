import threading
import time
from unittest.mock import patch

from odoo.addons.influencegen.compat import USER_GROUPS
from odoo.addons.odoo_telemetry.facts.rollup import ENTRY, HISTORY, LOGIN, TOTAL, Totals
from odoo.addons.odoo_telemetry.metrics import catalogue, facts
from odoo.addons.odoo_telemetry.metrics.catalogue import FACTS_CARRIED_OVER
from odoo.addons.odoo_telemetry.models import reading

from .common import BusinessCase

APPLICATIONS = "campaign_applications_total"
REQUESTS = "ai_image_generation_requests_total"
LATENCY = "ai_image_generation_end_to_end_latency_seconds"
LIMIT = "odoo_telemetry.campaign_id_limit"


class TestLedger(BusinessCase):
    def request(self, number):
        """Commit so many requests of images."""
        with self.environment() as env:
            model = env["influencegen.image.model"].search([], limit=1)
            self.delete_later(
                env["influencegen.image"].create(
                    [{"model_id": model.id, "prompt": "A lighthouse"} for _ in range(number)]
                )
            )

    def entries(self):
        with self.cursor() as cr:
            cr.execute(f"SELECT count(*) FROM {ENTRY}")
            return cr.fetchone()[0]

    def test_a_reading_beside_one_that_rolls_up_shows_the_same(self):
        before = self.fact(REQUESTS)
        self.request(3)
        with self.environment() as first, self.environment() as second:
            ledger = "telemetry.ledger"
            for env in (first, second):
                self.assertEqual(env[ledger]._values()[0][REQUESTS, (), ""], before + 3)
            second.cr.rollback()
        self.assertEqual(self.fact(REQUESTS), before + 3)
        self.assertEqual(self.entries(), 0)

    def test_an_entry_is_rolled_up_once_whoever_does_it(self):
        def read():
            for _ in range(20):
                self.fact(REQUESTS)

        before = self.fact(REQUESTS)
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            self.request(2)
        for thread in threads:
            thread.join()
        self.assertEqual(self.fact(REQUESTS), before + 40)

    def test_a_roll_up_that_fails_loses_nothing(self):
        before = self.fact(REQUESTS)
        self.request(3)
        with self.assertRaises(ZeroDivisionError), self.environment() as env:
            env["telemetry.ledger"]._roll_up()
            raise ZeroDivisionError
        self.assertEqual(self.fact(REQUESTS), before + 3)

    def test_an_upgrade_puts_missing_and_disabled_triggers_in_place(self):
        before = self.fact(REQUESTS)
        for damage in (
            "DROP TRIGGER telemetry_insert ON influencegen_image",
            "ALTER TABLE influencegen_image DISABLE TRIGGER telemetry_insert",
        ):
            with self.subTest(damage):
                with self.environment() as env:
                    env.cr.execute(damage)
                    env["telemetry.ledger"]._follow_facts()
                self.request(1)
        self.assertEqual(self.fact(REQUESTS), before + 2)

    def test_a_database_restored_to_an_older_state(self):
        """Counters and histograms go on where they were, and count what comes after."""
        self.request(5)
        before, carried = self.fact(REQUESTS), self.fact(FACTS_CARRIED_OVER.name, (REQUESTS,))
        with self.cursor() as cr:
            cr.execute(f"UPDATE {TOTAL} SET amount = amount - 3 WHERE metric = %s AND sample = ''", [REQUESTS])
        self.assertEqual(self.fact(REQUESTS), before)
        self.assertEqual(self.fact(FACTS_CARRIED_OVER.name, (REQUESTS,)), carried + 3)
        self.request(2)
        self.assertEqual(self.fact(REQUESTS), before + 2)
        self.assertEqual(self.fact(FACTS_CARRIED_OVER.name, (REQUESTS,)), carried + 3)

    def test_what_a_restored_database_counts_before_it_is_read_is_not_lost(self):
        self.request(5)
        before = self.fact(REQUESTS)
        with self.cursor() as cr:
            cr.execute(f"UPDATE {TOTAL} SET amount = amount - 4 WHERE metric = %s AND sample = ''", [REQUESTS])
        self.request(3)
        self.assertEqual(self.fact(REQUESTS), before + 3)

    def test_entries_that_were_shown_and_restored_are_not_counted_again(self):
        """A backup has what was rolled up and what was not yet; both were in what was shown."""
        before = self.fact(REQUESTS)
        with self.environment() as env:
            model = env["influencegen.image.model"].search([], limit=1)
            self.delete_later(env["influencegen.image"].create([{"model_id": model.id, "prompt": "A lighthouse"}] * 3))
            env.flush_all()
            env.cr.execute(f"SELECT * FROM {ENTRY} WHERE metric = %s", [REQUESTS])
            entries = [tuple(entry) for entry in env.cr.fetchall()]
        self.request(2)
        self.assertEqual(self.fact(REQUESTS), before + 5)
        with self.cursor() as cr:
            cr.execute(f"UPDATE {TOTAL} SET amount = %s WHERE metric = %s AND sample = ''", [before, REQUESTS])
            cr.execute_values(f"INSERT INTO {ENTRY} VALUES %s", entries)
        self.request(1)
        self.assertEqual(self.fact(REQUESTS), before + 6)

    def test_a_restored_database_that_has_never_had_a_series(self):
        with self.environment() as env:
            spring, people = self.campaign(env)
            self.delete_later(
                env["influencegen.application"].create({"campaign_id": spring.id, "influencer_id": people.id})
            )
            campaign_id = spring.id
        self.assertEqual(self.fact(APPLICATIONS, (campaign_id,)), 1)
        with self.cursor() as cr:
            cr.execute(f"DELETE FROM {TOTAL} WHERE metric = %s AND labels = %s", [APPLICATIONS, f'["{campaign_id}"]'])
        self.assertEqual(self.fact(APPLICATIONS, (campaign_id,)), 1)

    def test_a_reading_older_than_what_was_shown_takes_nothing_back(self):
        self.request(1)
        shown = self.fact(REQUESTS)
        older = {key[:1] + key[2:]: value for key, value in facts.values(self.database).items()}
        older[REQUESTS, (), ""] = shown - 1
        facts.publish(self.database, older, *facts.as_of(self.database))
        self.assertEqual(facts.values(self.database)[REQUESTS, self.database, (), ""], shown)

    def test_a_label_limit_raised_and_lowered(self):
        """What was counted as other stays there; what has a series of its own keeps it."""

        def applied(campaigns):
            return {campaign: self.fact(APPLICATIONS, (campaign,)) for campaign in campaigns}

        def limit(number):
            with self.environment() as env:
                env["ir.config_parameter"].set_param(LIMIT, number)

        self.addCleanup(limit, False)
        self.fact(APPLICATIONS)
        with self.cursor() as cr:
            cr.execute(
                f"SELECT count(DISTINCT labels) FROM {TOTAL} WHERE labels != '[\"other\"]' AND metric = ANY(%s)",
                [[APPLICATIONS, "campaign_content_submissions_total"]],
            )
            known = cr.fetchone()[0]
        limit(known + 1)
        other, campaigns = self.fact(APPLICATIONS, ("other",)), []
        for _ in range(3):
            with self.environment() as env:
                spring, people = self.campaign(env, 2)
                self.delete_later(
                    env["influencegen.application"].create(
                        [{"campaign_id": spring.id, "influencer_id": person.id} for person in people]
                    )
                )
                campaigns.append(spring.id)
            self.fact(APPLICATIONS)
        self.assertEqual(applied(campaigns), {campaigns[0]: 2, campaigns[1]: 0, campaigns[2]: 0})
        self.assertEqual(self.fact(APPLICATIONS, ("other",)), other + 4)
        limit(known + 500)
        self.assertEqual(applied(campaigns), {campaigns[0]: 2, campaigns[1]: 0, campaigns[2]: 0})
        self.assertEqual(self.fact(APPLICATIONS, ("other",)), other + 4)
        with self.environment() as env:
            _summer, [person] = self.campaign(env, 1)
            self.delete_later(
                env["influencegen.application"].create({"campaign_id": campaigns[1], "influencer_id": person.id})
            )
        self.assertEqual(applied(campaigns), {campaigns[0]: 2, campaigns[1]: 1, campaigns[2]: 0})
        limit(1)
        with self.environment() as env:
            _summer, [person] = self.campaign(env, 1)
            self.delete_later(
                env["influencegen.application"].create({"campaign_id": campaigns[0], "influencer_id": person.id})
            )
        self.assertEqual(applied(campaigns), {campaigns[0]: 3, campaigns[1]: 1, campaigns[2]: 0})
        self.assertGreaterEqual(self.fact(APPLICATIONS, ("other",)), other + 4)

    def test_a_broken_ledger_does_not_fail_the_business(self):
        with self.environment() as env:
            env.cr.execute(f"ALTER TABLE {ENTRY} RENAME TO broken")
            model = env["influencegen.image.model"].search([], limit=1)
            image = env["influencegen.image"].create({"model_id": model.id, "prompt": "A lighthouse"})
            env.flush_all()
            self.assertTrue(image.exists())
            env.cr.rollback()

    def test_a_histogram_with_other_buckets_than_before_counts_as_many(self):
        metric = catalogue.Metric(LATENCY, "histogram", "", buckets=(5, 10))
        known = [(LATENCY, "[]", "2.5", 2), (LATENCY, "[]", "7.5", 3), (LATENCY, "[]", "60.0", 1)]
        totals = Totals({LATENCY: metric}, known, {}, admit=True)
        buckets = {sample: amount for _labels, sample, amount in totals.series(metric)}
        self.assertEqual(buckets, {"sum": 0, "5.0": 2, "10.0": 3, "inf": 1})

    def test_gauges_of_rows_follow_their_state(self):
        def gauges():
            return [self.fact("influencer_active"), *(self.fact("influencers", (state,)) for state in states)]

        states = ("active", "suspended")
        before = gauges()
        with self.environment() as env:
            _campaign, people = self.campaign(env, 3)
            ids = people.ids
        self.assertEqual(gauges(), [before[0] + 3, before[1] + 3, before[2]])
        with self.environment() as env:
            env["influencegen.influencer"].browse(ids[0]).action_suspend()
            env["influencegen.influencer"].browse(ids[1]).unlink()
        self.assertEqual(gauges(), [before[0] + 1, before[1] + 1, before[2] + 1])

    def test_distinct_users_that_logged_in_today(self):
        name = "user_logins_daily_active_influencers"
        before = self.fact(name, ("portal",))
        with self.environment() as env:
            portal = {USER_GROUPS: [(6, 0, env.ref("base.group_portal").ids)]}
            users = self.delete_later(
                env["res.users"]
                .with_context(no_reset_password=True)
                .create([{"name": "Ada", "login": f"ada-{number}@example.com", **portal} for number in range(2)])
            )
            for user in (users[0], users[0], users[1]):
                self.delete_later(env["res.users.log"].with_user(user).sudo().create({}))
        self.assertEqual(self.fact(name, ("portal",)), before + 2)
        with self.environment() as env:
            self.delete_later(env["res.users.log"].with_user(users[0].id).sudo().create({}))
        self.assertEqual(self.fact(name, ("portal",)), before + 2)

    def test_a_backlog_that_a_scrape_has_no_time_for_is_rolled_up_by_the_scheduled_action(self):
        before = self.fact(REQUESTS)
        self.request(1000)
        with patch.object(reading, "FACTS_TIMEOUT_MILLISECONDS", 1), self.assertLogs("odoo.sql_db", "ERROR"):
            self.assertEqual(self.fact(REQUESTS), before)
        with self.environment() as env:
            env["telemetry.audit"]._cron_audit()
        self.assertEqual(self.entries(), 0)
        self.assertEqual(self.fact(REQUESTS), before + 1000)

    def test_a_statement_for_many_rows_after_one_for_a_single_row(self):
        """A plan made for one row serves for thousands."""
        self.request(1)
        with self.environment() as env:
            env.cr.execute("SELECT id FROM influencegen_image ORDER BY id DESC LIMIT 1")
            [first] = env.cr.fetchone()
            env.cr.execute(
                "INSERT INTO influencegen_image (uuid, user_id, company_id, model_id, prompt, state, requested_at)"
                " SELECT gen_random_uuid(), user_id, company_id, model_id, prompt, 'requested', requested_at"
                " FROM influencegen_image, generate_series(1, 6000) WHERE id = %s",
                [first],
            )
            env.cr.execute("SET LOCAL statement_timeout = '3s'")
            env.cr.execute("UPDATE influencegen_image SET prompt = 'One' WHERE id = %s", [first])
            env.cr.execute("UPDATE influencegen_image SET prompt = 'Many' WHERE id > %s", [first])
            env.cr.rollback()

    def test_what_a_version_with_other_labels_has_left_stops_nothing(self):
        before = self.fact(REQUESTS)
        self.fact(APPLICATIONS)
        with self.cursor() as cr:
            cr.execute(f"INSERT INTO {TOTAL} VALUES (%s, %s, '', 7)", [APPLICATIONS, '["1", "old"]'])
            cr.execute(
                f"INSERT INTO {ENTRY} (metric, res_id, labels, amount) VALUES (%s, 1, %s, 1)",
                [APPLICATIONS, '["1", "old"]'],
            )
            cr.execute(f"INSERT INTO {ENTRY} (metric, res_id, labels, amount) VALUES ('gone_total', 1, '[]', 1)")
        self.request(1)
        self.assertEqual(self.fact(REQUESTS), before + 1)
        with self.environment() as env:
            env["telemetry.audit"]._cron_audit()
        self.assertEqual(self.entries(), 0)
        with self.cursor() as cr:
            cr.execute(f"DELETE FROM {TOTAL} WHERE labels = %s", ['["1", "old"]'])

    def test_a_moment_or_a_value_that_is_not_a_number_is_all_that_is_lost(self):
        before = self.fact(REQUESTS)
        with self.environment() as env:
            model = env["influencegen.image.model"].search([], limit=1)
            image = self.delete_later(
                env["influencegen.image"].create({"model_id": model.id, "prompt": "A lighthouse"})
            )
            env.flush_all()
            env.cr.execute(
                "UPDATE influencegen_image SET state = 'done', finished_at = 'infinity', cost_usd = 'NaN'"
                " WHERE id = %s",
                [image.id],
            )
        self.assertEqual(self.fact(REQUESTS), before + 1)

    def test_a_clock_that_is_set_ahead_for_a_while_empties_nothing(self):
        def rows():
            with self.cursor() as cr:
                cr.execute(f"SELECT (SELECT count(*) FROM {HISTORY}), (SELECT count(*) FROM {LOGIN})")
                return cr.fetchone()

        with self.environment() as env:
            self.delete_later(env["res.users.log"].create({}))
            model = env["influencegen.image.model"].search([], limit=1)
            image = self.delete_later(
                env["influencegen.image"].create({"model_id": model.id, "prompt": "A lighthouse"})
            )
            image._transition("failed", finished_at=image.requested_at)
        self.fact(REQUESTS)
        before = rows()
        ahead = time.time() + 10 * 86_400
        with self.environment() as env, patch("odoo.addons.odoo_telemetry.models.ledger.time.time", lambda: ahead):
            env["telemetry.ledger"]._purge()
        self.assertEqual(rows(), before)
