import time
from datetime import datetime

from odoo import models

from ..metrics.catalogue import CRON_DURATION, CRON_FAILURES, CRON_LATENESS, CRON_RUNS
from ..odoo_hooks import workers


class IrCron(models.Model):
    _inherit = "ir.cron"

    @classmethod
    def _run_job(cls, job):
        cron, database = job["cron_name"], cls.pool.db_name
        lateness = (datetime.utcnow() - job["nextcall"]).total_seconds()
        if lateness >= 0:
            CRON_LATENESS.observe(lateness, database=database, cron=cron)
        token, begun = workers.begin(), time.perf_counter()
        try:
            return super()._run_job(job)
        finally:
            CRON_RUNS.inc(database=database, cron=cron)
            CRON_DURATION.observe(time.perf_counter() - begun, database=database, cron=cron)
            workers.end(token)

    def _update_failure_count(self, job, status):
        if status == "failed":
            CRON_FAILURES.inc(database=self.env.cr.dbname, cron=job["cron_name"])
        return super()._update_failure_count(job, status)
