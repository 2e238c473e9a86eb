from datetime import datetime, timedelta

from odoo.tests import TransactionCase, mute_logger, tagged

from .hook_case import observations, value


@tagged("post_install", "-at_install")
class TestCron(TransactionCase):
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
