import time
from datetime import datetime, timedelta

from odoo.tests import TransactionCase, mute_logger, tagged

from ..metrics import store
from ..odoo_hooks import crons
from .hook_case import observations, value


class CronCase(TransactionCase):
    """A cron that was due 90 s ago, and is run within the test's transaction."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.cron = self.env["ir.cron"].create(
            {
                "name": "Measured job",
                "model_id": self.env.ref("base.model_res_partner").id,
                "state": "code",
                "code": "model.search_count([])",
                "interval_number": 1,
                "interval_type": "days",
                "nextcall": datetime.utcnow().replace(microsecond=0) - timedelta(seconds=90),
            }
        )
        self.labels, self.database = (self.cron.cron_name,), self.env.cr.dbname

    def gauges(self):
        """Return {name: value} of what is read of the job in the database."""
        self.env.flush_all()
        samples = self.env["telemetry.reading"]._gauges()
        return {sample.gauge.name: sample.value for sample in samples if sample.labels.get("cron") == self.labels[0]}

    def registry_enter_test_mode(self):
        if hasattr(super(), "registry_enter_test_mode"):
            super().registry_enter_test_mode()
        else:
            self.registry.enter_test_mode(self.cr)
            self.addCleanup(self.registry.leave_test_mode)

    def run_job(self):
        self.env.flush_all()
        cls = type(self.env["ir.cron"])
        job = cls._acquire_one_job(self.cr, self.cron.id)
        status = cls._run_job(job)
        self.env["ir.cron"]._update_failure_count(job, status)
        return status


@tagged("post_install", "-at_install")
class TestCron(CronCase):
    def counted(self):
        return (
            value("odoo_cron_runs_total", self.labels, self.database),
            value("odoo_cron_failures_total", self.labels, self.database),
            observations("odoo_cron_duration_seconds", self.labels, self.database),
            observations("odoo_cron_lateness_seconds", self.labels, self.database),
        )

    def test_a_run(self):
        runs, failures, durations, latenesses = self.counted()
        late = value("odoo_cron_lateness_seconds", self.labels, self.database, "sum")
        self.assertEqual(self.run_job(), "fully done")
        self.assertEqual(self.counted(), (runs + 1, failures, durations + 1, latenesses + 1))
        late = value("odoo_cron_lateness_seconds", self.labels, self.database, "sum") - late
        self.assertAlmostEqual(late, 90, delta=30)

    @mute_logger("odoo.addons.base.models.ir_cron", "odoo.tools.safe_eval")
    def test_a_failure(self):
        self.cron.code = "1 / 0"
        runs, failures, durations, latenesses = self.counted()
        self.assertEqual(self.run_job(), "failed")
        self.assertEqual(self.counted(), (runs + 1, failures + 1, durations + 1, latenesses + 1))

    def test_a_run_ahead_of_its_time_is_not_late(self):
        self.cron.nextcall = datetime.utcnow().replace(microsecond=0) + timedelta(hours=1)
        self.env["ir.cron.trigger"].create({"cron_id": self.cron.id, "call_at": datetime(2020, 1, 1)})
        runs, _failures, _durations, latenesses = self.counted()
        self.run_job()
        self.assertEqual(self.counted()[0], runs + 1)
        self.assertEqual(self.counted()[3], latenesses)

    def test_a_job_that_does_not_start_is_overdue(self):
        self.cron.write({"interval_type": "minutes", "interval_number": 5})
        gauges = self.gauges()
        self.assertAlmostEqual(gauges["odoo_cron_overdue_seconds"], 90, delta=30)
        self.assertEqual(gauges["odoo_cron_interval_seconds"], 300)
        self.assertNotIn("odoo_cron_last_success_timestamp_seconds", gauges)
        self.run_job()
        self.cron.nextcall = datetime.utcnow() + timedelta(seconds=60)
        self.assertEqual(self.gauges()["odoo_cron_overdue_seconds"], 0)

    def test_of_two_jobs_of_one_name_the_one_that_is_later_shows(self):
        self.cron.copy({"name": self.cron.name, "active": True, "nextcall": datetime.utcnow() + timedelta(days=1)})
        self.assertAlmostEqual(self.gauges()["odoo_cron_overdue_seconds"], 90, delta=30)

    @mute_logger("odoo.addons.base.models.ir_cron", "odoo.tools.safe_eval")
    def test_the_last_success_is_not_the_last_run(self):
        self.run_job()
        succeeded_at = self.gauges()["odoo_cron_last_success_timestamp_seconds"]
        self.assertAlmostEqual(succeeded_at, time.time(), delta=30)
        self.cron.write({"code": "1 / 0", "nextcall": datetime.utcnow() - timedelta(hours=9)})
        self.assertEqual(self.run_job(), "failed")
        self.assertEqual(self.gauges()["odoo_cron_last_success_timestamp_seconds"], succeeded_at)

    def test_the_last_success_before_the_addon_came_is_known_if_odoo_knows_it(self):
        self.cron.lastcall = datetime(2026, 1, 2)
        self.assertEqual(self.gauges()["odoo_cron_last_success_timestamp_seconds"], 1767312000)
        self.cron.failure_count = 1
        self.assertNotIn("odoo_cron_last_success_timestamp_seconds", self.gauges())

    @mute_logger("odoo.addons.base.models.ir_cron", "odoo.tools.safe_eval")
    def test_a_job_that_odoo_deactivates_shows_until_it_succeeds(self):
        self.cron.code = "1 / 0"
        self.assertEqual(self.gauges()["odoo_cron_deactivated"], 0)
        self.fail_for_the_last_time()
        self.assertEqual(self.gauges()["odoo_cron_deactivated"], 1)
        self.cron.write({"active": True, "code": "model", "nextcall": datetime.utcnow() - timedelta(hours=9)})
        self.assertEqual(self.gauges()["odoo_cron_deactivated"], 0)
        self.run_job()
        self.cron.active = False
        self.assertEqual(self.gauges()["odoo_cron_deactivated"], 0)

    @mute_logger("odoo.addons.base.models.ir_cron", "odoo.tools.safe_eval")
    def test_a_job_that_a_person_deactivates_does_not_show(self):
        self.cron.code = "1 / 0"
        self.fail_for_the_last_time()
        self.cron.active = False
        self.assertEqual(self.gauges()["odoo_cron_deactivated"], 0)

    def fail_for_the_last_time(self):
        """Have the job fail as often, and for as long, as makes Odoo deactivate it."""
        self.cron.write({"failure_count": 99, "first_failure_date": datetime.utcnow() - timedelta(days=30)})
        self.run_job()
        self.env.invalidate_all()
        self.assertFalse(self.cron.active)

    def test_a_job_under_way_shows(self):
        with crons.running(self.database, self.labels[0]):
            self.assertEqual(value("odoo_cron_running", self.labels, self.database), 1)
        self.assertEqual(value("odoo_cron_running", self.labels, self.database), 0)

    def test_a_job_ends_well_where_its_state_can_not_be_kept(self):
        self.env.cr.execute("DROP TABLE telemetry_cron")
        errors = value("odoo_telemetry_errors_total", ("database",))
        self.assertEqual(self.run_job(), "fully done")
        store.reader.sums()
        self.assertEqual(value("odoo_telemetry_errors_total", ("database",)), errors + 1)
        self.assertEqual(self.gauges(), {})
