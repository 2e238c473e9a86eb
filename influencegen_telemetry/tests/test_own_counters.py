import threading
import uuid
from unittest.mock import patch

from odoo.addons.influencegen_telemetry.models import own_query

from ..metrics import store
from ..metrics.own import Reading
from .common import RealTransactionCase
from .own_case import define, errors, reader, values

CREATED, ENTERED = "influencegen_own_made_total", "influencegen_own_closed_total"


class OwnCounterCase(RealTransactionCase):
    def setUp(self):
        super().setUp()
        self.mark = str(uuid.uuid4())
        self.addCleanup(self.forget)
        with self.environment() as env:
            reader(env, "base.group_user", "base.group_partner_manager")

    def forget(self):
        with self.environment() as env:
            env["influencegen.telemetry.own.metric"].with_context(active_test=False).search([]).unlink()
            reader(env)
        self.registry.reset_changes()
        store.publish_own(self.database, Reading())

    def define(self, *arguments, **keywords):
        with self.environment() as env:
            return define(env, *arguments, **keywords).id

    def partners(self, env, number=1, **vals):
        return self.keep(env["res.partner"].create([{"name": "Own", "ref": self.mark, **vals}] * number))

    def counted(self, series=CREATED):
        with self.environment() as env:
            return values(env, series)

    def rows(self, domain=()):
        with self.environment() as env:
            return env["res.partner"].with_context(active_test=False).search_count(
                [("ref", "=", self.mark), *domain])


class TestCreated(OwnCounterCase):
    def setUp(self):
        super().setUp()
        self.define("made", "res.partner", kind="created", domain=f"[('ref', '=', '{self.mark}')]")

    def test_it_starts_at_zero_whatever_there_is(self):
        self.assertEqual(self.counted(), {(): 0})

    def test_it_is_counted_after_the_commit_only(self):
        with self.environment() as env:
            self.partners(env, 3)
            env.flush_all()
            self.assertEqual(self.counted(), {(): 0})
        self.assertEqual(self.counted(), {(): 3})
        self.assertEqual(self.rows(), 3)

    def test_not_what_is_rolled_back(self):
        with self.environment() as env:
            self.partners(env)
            env.cr.flush()
            env.cr.rollback()
        self.assertEqual(self.counted(), {(): 0})

    def test_not_what_a_savepoint_rolled_back(self):
        for flush in (True, False):
            with self.environment() as env:
                self.partners(env)
                with self.assertRaises(ZeroDivisionError), env.cr.savepoint(flush=flush):
                    self.partners(env, 2)
                    with env.cr.savepoint():
                        self.partners(env, 4)
                    env.flush_all()
                    raise ZeroDivisionError
                env.invalidate_all(flush=False)
                with env.cr.savepoint(flush=flush):
                    self.partners(env)
        self.assertEqual(self.counted(), {(): 4})
        self.assertEqual(self.rows(), 4)

    def test_what_is_deleted_stays_counted_unless_it_was_never_committed(self):
        with self.environment() as env:
            self.partners(env, 2)
        with self.environment() as env:
            env["res.partner"].search([("ref", "=", self.mark)], limit=1).unlink()
            self.partners(env).unlink()
        self.assertEqual(self.counted(), {(): 2})
        self.assertEqual(self.rows(), 1)

    def test_archived_ones_are_created_too(self):
        with self.environment() as env:
            self.partners(env, active=False)
        self.assertEqual(self.counted(), {(): 1})

    def test_others_are_not_counted(self):
        with self.environment() as env:
            self.partners(env, ref="other")
        self.assertEqual(self.counted(), {(): 0})

    def test_once_when_it_is_flushed_often(self):
        with self.environment() as env:
            partner = self.partners(env)
            for number in range(3):
                partner.color = number
                env.cr.flush()
        self.assertEqual(self.counted(), {(): 1})

    def test_as_many_as_rows_under_concurrency(self):
        def work(number):
            for turn in range(8):
                try:
                    with self.environment() as env:
                        self.partners(env, 2)
                        if (number + turn) % 3 == 0:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    pass

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.assertLessEqual(self.counted()[()], 64)
        for thread in threads:
            thread.join()
        self.assertTrue(self.rows())
        self.assertEqual(self.counted(), {(): self.rows()})

    def test_the_facts_are_added_up(self):
        for _transaction in range(5):
            with self.environment() as env:
                self.partners(env)
        self.counted()
        with self.environment() as env:
            self.assertEqual(env["influencegen.telemetry.own.fact"].search([]).mapped("amount"), [5])

    def test_a_transaction_of_many_costs_as_many_statements_as_one_of_few(self):
        def statements(number):
            with self.environment() as env:
                self.partners(env, number)
                env.flush_all()
                before = env.cr.sql_log_count
                env.cr.flush()
                return env.cr.sql_log_count - before

        statements(1)
        self.assertEqual(statements(100), statements(1))

    def test_what_can_not_be_read_is_told_and_breaks_nothing(self):
        with self.environment() as env:
            reader(env)
        before = errors()
        with self.environment() as env:
            self.partners(env, 3)
        self.assertEqual(self.rows(), 3)
        self.assertEqual(errors(), before + 1)
        with self.environment() as env:
            reader(env, "base.group_user", "base.group_partner_manager")
        self.assertEqual(self.counted(), {(): 0})
        with self.environment() as env:
            self.assertEqual(env["influencegen.telemetry.own.metric"].search([]).last_lost, 3)

    def test_a_statement_that_fails_breaks_nothing(self):
        with self.environment() as env:
            self.partners(env, 2)
            broken = patch.object(own_query.Definition, "groups", lambda _, env, ids: env.cr.execute("SELECT 1 / 0"))
            with broken, self.assertLogs("odoo.sql_db", "ERROR"):
                env.cr.flush()
        self.assertEqual(self.rows(), 2)

    def test_another_definition_starts_anew(self):
        with self.environment() as env:
            self.partners(env, 2)
        with self.environment() as env:
            env["influencegen.telemetry.own.metric"].search([]).domain = f"[('ref', 'in', ['{self.mark}'])]"
        self.assertEqual(self.counted(), {(): 0})
        with self.environment() as env:
            self.partners(env)
        self.assertEqual(self.counted(), {(): 1})
        with self.environment() as env:
            self.assertEqual(env["influencegen.telemetry.own.fact"].search([]).mapped("amount"), [1])

    def test_archived_and_deleted(self):
        for end in (lambda metric: metric.action_archive(), lambda metric: metric.unlink()):
            with self.environment() as env:
                end(env["influencegen.telemetry.own.metric"].search([]))
            self.assertNotIn(CREATED, store.own(self.database).metrics)
            self.assertEqual(self.registry.telemetry_measured, {})
            with self.environment() as env:
                self.partners(env)
            self.assertEqual(self.counted(), {})
            with self.environment() as env:
                self.assertFalse(env["influencegen.telemetry.own.fact"].search([]))
                env["influencegen.telemetry.own.metric"].with_context(active_test=False).search([]).action_unarchive()
        self.assertEqual(self.counted(), {})


class TestDimensions(OwnCounterCase):
    def test_by_country_with_a_limit(self):
        self.define("made", "res.partner", [("country_id", 2)], kind="created",
                    domain=f"[('ref', '=', '{self.mark}')]")
        for country in ("base.be", "base.fr", "base.be", "base.de", "base.it", None):
            with self.environment() as env:
                self.partners(env, country_id=env.ref(country).id if country else False)
        expected = {("Belgium",): 2, ("France",): 1, ("other",): 3}
        self.assertEqual(self.counted(), expected)
        with self.environment() as env:
            self.partners(env, 5, country_id=env.ref("base.it").id)
        self.assertEqual(self.counted(), {**expected, ("other",): 8})

    def test_two_that_count_the_same_model(self):
        self.define("made", "res.partner", ["type"], kind="created", domain=f"[('ref', '=', '{self.mark}')]")
        self.define("closed", "res.partner", kind="created", domain=f"[('ref', '=', '{self.mark}')]")
        with self.environment() as env:
            self.partners(env, 2, type="contact")
        self.assertEqual(self.counted()[("contact",)], 2)
        self.assertEqual(self.counted(ENTERED), {(): 2})


class TestEntered(OwnCounterCase):
    def setUp(self):
        super().setUp()
        self.define("closed", "res.partner", kind="entered", state_field_id="type", state_value="invoice",
                    domain=f"[('ref', '=', '{self.mark}')]")

    def count(self):
        return self.counted(ENTERED)[()]

    def test_by_a_write_and_by_a_create(self):
        with self.environment() as env:
            partner = self.partners(env, 2, type="contact")
            self.partners(env, type="invoice")
        self.assertEqual(self.count(), 1)
        with self.environment() as env:
            partner.with_env(env).write({"type": "invoice"})
        self.assertEqual(self.count(), 3)

    def test_each_time(self):
        with self.environment() as env:
            partner = self.partners(env, type="contact")
        for state in ("invoice", "contact", "invoice", "invoice"):
            with self.environment() as env:
                partner.with_env(env).type = state
        with self.environment() as env:
            partner.with_env(env)._write_multi([{"type": "invoice"}])
        self.assertEqual(self.count(), 2)

    def test_not_when_it_was_there_already_or_goes_on(self):
        with self.environment() as env:
            partner = self.partners(env, type="contact")
        with self.environment() as env:
            partner.with_env(env).type = "invoice"
            env.flush_all()
            partner.with_env(env).type = "delivery"
        with self.environment() as env:
            partner.with_env(env).color = 3
        self.assertEqual(self.count(), 0)

    def test_not_when_it_is_rolled_back(self):
        with self.environment() as env:
            partner = self.partners(env, type="contact")
        with self.environment() as env, self.assertRaises(ZeroDivisionError), env.cr.savepoint():
            partner.with_env(env).type = "invoice"
            env.flush_all()
            raise ZeroDivisionError
        self.assertEqual(self.count(), 0)

    def test_a_stored_computation_counts(self):
        self.define("companies", "res.partner", kind="entered", state_field_id="partner_share", state_value="true",
                    domain=f"[('ref', '=', '{self.mark}')]")
        with self.environment() as env:
            self.partners(env, 2)
        self.assertEqual(self.counted("influencegen_own_companies_total"), {(): 2})


class TestUnmeasured(OwnCounterCase):
    def test_a_model_that_nobody_measures_stays_as_it_is(self):
        self.define("made", "res.partner", kind="created")
        for model in ("res.country", "mail.message", "influencegen.campaign"):
            for name in ("_create", "_write_multi"):
                self.assertFalse(hasattr(getattr(self.registry[model], name), "telemetry_original"), (model, name))
        self.assertTrue(hasattr(self.registry["res.partner"]._create, "telemetry_original"))

    def test_a_gauge_wraps_nothing_and_other_workers_are_told_of_a_counter(self):
        self.registry.reset_changes()
        self.define("partners", "res.partner")
        self.assertFalse(self.registry.registry_invalidated)
        self.assertEqual(self.registry.telemetry_measured, {})
        self.define("made", "res.partner", kind="created")
        self.assertTrue(self.registry.registry_invalidated)
