from unittest.mock import patch

from odoo.addons.odoo_telemetry.facts.rollup import BALANCE, BLOCK, LOGIN, TAKE_LOCK, TOTAL
from odoo.addons.odoo_telemetry.metrics import store
from odoo.addons.odoo_telemetry.models import audit as auditing

from .common import BusinessCase

REQUESTS = "ai_image_generation_requests_total"
AUDIT = "telemetry.audit"
COPY = """
    INSERT INTO influencegen_image (uuid, user_id, company_id, model_id, prompt, state, requested_at)
    SELECT gen_random_uuid(), user_id, company_id, model_id, prompt, state, requested_at
    FROM influencegen_image WHERE id = ANY(%s) RETURNING id
"""


class TestAudit(BusinessCase):
    def setUp(self):
        super().setUp()
        self.fact(REQUESTS)
        self.addCleanup(self.settle)
        self.settle()

    def settle(self):
        """Take the rows as they are, so that the next test finds no difference."""
        with self.environment() as env:
            env[AUDIT].search([("fact", "=", REQUESTS)])._accept()
        self.run_audit()

    def request(self, number):
        with self.environment() as env:
            model = env["influencegen.image.model"].search([], limit=1)
            return self.delete_later(
                env["influencegen.image"].create(
                    [{"model_id": model.id, "prompt": "A lighthouse"} for _ in range(number)]
                )
            ).ids

    def run_audit(self, seconds=60.0):
        with self.environment() as env:
            env[AUDIT]._run(seconds)

    def found(self):
        """Return (missing, extra) of the requests, by a whole pass of the audit."""
        with self.cursor() as cr:
            cr.execute("UPDATE telemetry_audit SET position = 0 WHERE fact = %s", [REQUESTS])
        self.run_audit()
        with self.environment() as env:
            audit = env[AUDIT].search([("fact", "=", REQUESTS)])
            return audit.missing, audit.extra

    def silently(self, statement, ids):
        """Run a statement with the triggers disabled, as a bulk load does."""
        with self.cursor() as cr:
            cr.execute("ALTER TABLE influencegen_image DISABLE TRIGGER USER")
            cr.execute(statement, [ids])
            if cr.description:
                self._created.append(("influencegen.image", [row_id for (row_id,) in cr.fetchall()]))
            cr.execute("ALTER TABLE influencegen_image ENABLE TRIGGER USER")

    def test_nothing_is_found_after_business_and_deletions(self):
        ids = self.request(20)
        with self.environment() as env:
            env["influencegen.image"].browse(ids[:7]).unlink()
            env.cr.execute("DELETE FROM influencegen_image WHERE id = ANY(%s)", [ids[7:9]])
        self.assertEqual(self.found(), (0, 0))

    def test_a_missing_row_is_found(self):
        ids = self.request(5)
        self.silently(COPY, ids[:1])
        with self.assertLogs(auditing.__name__, "WARNING"):
            self.assertEqual(self.found(), (1, 0))

    def test_an_extra_row_is_found(self):
        ids = self.request(5)
        self.silently("DELETE FROM influencegen_image WHERE id = ANY(%s)", ids[:1])
        self.assertEqual(self.found(), (0, 1))

    def test_one_missing_and_one_extra_row_of_one_block_are_found(self):
        ids = self.request(5)
        self.silently(COPY, ids[:1])
        self.silently("DELETE FROM influencegen_image WHERE id = ANY(%s)", ids[1:2])
        self.assertEqual(self.found(), (1, 1))

    def test_it_is_interrupted_and_goes_on(self):
        """A pass that is interrupted after each step finds the same differences."""
        self.request(3)
        with self.cursor() as cr:
            cr.execute("SELECT max(id) FROM influencegen_image")
            top = cr.fetchone()[0] // BLOCK
            # a thousand blocks without rows above the last image, and a row in the topmost that only the ledger has
            cr.execute(f"INSERT INTO {BALANCE} VALUES (%s, %s, 1, 5)", [REQUESTS, top + 1000])
            cr.execute("UPDATE telemetry_audit SET position = 0, blocks = 0 WHERE fact = %s", [REQUESTS])
        positions, steps = [], 0
        while steps < 2000:
            with self.environment() as env:
                complete = env[AUDIT].search([("fact", "=", REQUESTS)])._step(100)
            with self.environment() as env:
                audit = env[AUDIT].search([("fact", "=", REQUESTS)])
                positions.append(audit.position)
                found = audit.missing, audit.extra
            steps += 1
            if complete:
                break
        self.assertEqual(positions, sorted(positions, reverse=True))
        self.assertGreater(len(positions), 9)
        self.assertEqual(found, (0, 1))

    def test_accepting_counts_what_was_missing_and_keeps_what_was_counted(self):
        ids = self.request(5)
        before = self.fact(REQUESTS)
        self.silently("DELETE FROM influencegen_image WHERE id = ANY(%s)", ids[:2])
        self.assertEqual(self.found(), (0, 2))
        self.settle()
        self.assertEqual(self.fact(REQUESTS), before)
        self.assertEqual(self.found(), (0, 0))
        self.silently(COPY, ids[2:])
        self.assertEqual(self.found(), (3, 0))
        self.settle()
        self.assertEqual(self.fact(REQUESTS), before + 3)
        self.assertEqual(self.found(), (0, 0))

    def test_a_fact_that_has_totals_is_not_counted_again(self):
        self.request(3)
        before = self.fact(REQUESTS)
        with self.environment() as env:
            env[AUDIT].search([("fact", "=", REQUESTS)]).unlink()
        self.request(2)
        with self.environment() as env:
            env[AUDIT]._follow_facts()
        self.run_audit()
        self.assertEqual(self.fact(REQUESTS), before + 2)
        self.assertEqual(self.found(), (0, 0))

    def test_a_fact_whose_addon_is_not_loaded_waits(self):
        before = self.fact(REQUESTS)
        with patch.object(self.registry["telemetry.ledger"], "_facts", return_value=[]):
            self.request(2)
            with self.environment() as env:
                env[AUDIT]._cron_audit()
        self.assertEqual(self.fact(REQUESTS), before + 2)

    def test_what_was_there_before_is_taken_in_with_what_happens_meanwhile(self):
        """A ledger opened while rows come, go and change is as if it had been there all the time."""
        ids = self.request(12)
        self.fact(REQUESTS)
        with self.environment() as env:
            # only one transaction at a time may write totals
            env.cr.execute(TAKE_LOCK)
            env[AUDIT].search([("fact", "=", REQUESTS)])._reopen()
            env.flush_all()
            env.cr.execute(f"DELETE FROM {TOTAL} WHERE metric = %s", [REQUESTS])
            env.cr.execute("UPDATE telemetry_audit SET reopened = false WHERE fact = %s", [REQUESTS])
        with self.environment() as env:
            images = env["influencegen.image"].browse(ids)
            images[:3].unlink()
            images[3]._transition("failed", finished_at=images[3].requested_at)
        self.request(4)
        self.run_audit()
        with self.cursor() as cr:
            cr.execute("SELECT count(*) FROM influencegen_image")
            rows = cr.fetchone()[0]
        # as if nothing had ever been published
        for path in store.directory.path.glob("facts-*.json"):
            path.unlink()
        with self.environment() as env:
            env["telemetry.ledger"]._roll_up()
        with self.cursor() as cr:
            cr.execute(
                f"SELECT sum(amount) FILTER (WHERE sample = ''), sum(amount) FILTER (WHERE sample = 'net') FROM {TOTAL}"
                " WHERE metric = %s",
                [REQUESTS],
            )
            self.assertEqual(cr.fetchone(), (rows + 3, rows))
        self.assertEqual(self.found(), (0, 0))

    def open_as_new(self, env, fact):
        """Have the ledger of ``fact`` opened as on the day of the installation, once this is committed."""
        env.cr.execute(TAKE_LOCK)
        env[AUDIT].search([("fact", "=", fact)])._reopen()
        env.flush_all()
        env.cr.execute(f"DELETE FROM {TOTAL} WHERE metric = %s", [fact])
        env.cr.execute("UPDATE telemetry_audit SET reopened = false WHERE fact = %s", [fact])

    def test_a_campaign_that_is_made_meanwhile_hides_no_application_with_the_same_id(self):
        name = "campaign_applications_total"
        with self.environment() as env:
            spring, people = self.campaign(env, 3)
            applications = self.delete_later(
                env["influencegen.application"].create(
                    [{"campaign_id": spring.id, "influencer_id": person.id} for person in people]
                )
            )
            campaign_id, ids = spring.id, applications.ids
        self.fact(name)
        with self.environment() as env:
            self.open_as_new(env, name)
            env.cr.execute(
                "INSERT INTO influencegen_campaign (id, name, brand_id, company_id, currency_id, state, date_start)"
                " SELECT unnest(%s), name, brand_id, company_id, currency_id, state, date_start"
                " FROM influencegen_campaign WHERE id = %s ON CONFLICT DO NOTHING RETURNING id",
                [ids, campaign_id],
            )
            self._created.append(("influencegen.campaign", [row_id for (row_id,) in env.cr.fetchall()]))
            # no later campaign gets one of these ids, under which there are series now
            env.cr.execute(
                "SELECT setval(sequence, greatest(nextval(sequence), %s))"
                " FROM pg_get_serial_sequence('influencegen_campaign', 'id') AS sequence",
                [max(ids)],
            )
        self.run_audit()
        with self.environment() as env:
            env["telemetry.ledger"]._roll_up()
            self.assertEqual(env["telemetry.ledger"]._present(name)[str(campaign_id),], 3)

    def test_who_logged_in_before_the_ledger_was_opened(self):
        name = "user_logins_daily_active_influencers"
        self.fact(name)
        with self.environment() as env:
            self.delete_later(env["res.users.log"].create([{} for _ in range(3)]))
        self.fact(name)
        with self.environment() as env:
            self.open_as_new(env, name)
            env.cr.execute(f"DELETE FROM {LOGIN}")
        self.run_audit()
        with self.cursor() as cr:
            cr.execute(f"SELECT array_agg(DISTINCT user_id) <@ (SELECT array_agg(id) FROM res_users) FROM {LOGIN}")
            self.assertTrue(cr.fetchone()[0])
            cr.execute(
                f"SELECT (SELECT count(*) FROM {LOGIN}), count(DISTINCT create_uid) FROM res_users_log"
                " WHERE create_date >= date_trunc('day', now() AT TIME ZONE 'UTC') AND create_uid IS NOT NULL"
            )
            self.assertEqual(len(set(cr.fetchone())), 1)

    def test_rows_are_accepted_while_others_roll_up(self):
        ids = self.request(4)
        before = self.fact(REQUESTS)
        self.silently("DELETE FROM influencegen_image WHERE id = ANY(%s)", ids[:1])
        self.assertEqual(self.found(), (0, 1))
        with self.environment() as env:
            env[AUDIT].search([("fact", "=", REQUESTS)])._accept()
            env.flush_all()
            self.request(2)
            self.assertEqual(self.fact(REQUESTS), before + 2)
        self.request(1)
        self.run_audit()
        self.assertEqual(self.fact(REQUESTS), before + 3)
        self.assertEqual(self.found(), (0, 0))

    def test_its_progress_and_findings_are_metrics(self):
        self.found()
        with self.environment() as env:
            env["telemetry.reading"]._read_database()
        values = {key[0]: value for key, value in store.reader.values()[0].items() if key[2] == (REQUESTS,)}
        self.assertEqual(values["odoo_telemetry_audit_missing_rows"], 0)
        self.assertEqual(values["odoo_telemetry_audit_extra_rows"], 0)
        self.assertEqual(values["odoo_telemetry_audit_progress_ratio"], 1)
        self.assertGreater(values["odoo_telemetry_audit_completed_timestamp_seconds"], 0)

    def test_a_statement_that_takes_too_long_is_counted_and_others_go_on(self):
        def errors():
            return store.reader.values()[0].get(("odoo_telemetry_errors_total", None, ("ledger",), ""), 0)

        before = errors()
        with (
            patch.object(auditing, "STATEMENT_TIMEOUT_MILLISECONDS", 20),
            patch.object(auditing.rollup, "COMPARE", "SELECT 0, 0 FROM pg_sleep(1) WHERE %(first)s < 0 OR true"),
        ):
            self.run_audit(2)
        self.assertGreater(errors(), before)
