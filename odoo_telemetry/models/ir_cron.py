import time
from datetime import datetime

from odoo import models

from ..metrics import store
from ..odoo_hooks import workers


class IrCron(models.Model):
    _inherit = "ir.cron"

    @classmethod
    def _run_job(cls, job):
        labels, database = (job["cron_name"],), cls.pool.db_name
        lateness = (datetime.utcnow() - job["nextcall"]).total_seconds()
        if lateness >= 0:
            store.observe("odoo_cron_lateness_seconds", lateness, labels, database)
        token, begun = workers.begin(), time.perf_counter()
        try:
            return super()._run_job(job)
        finally:
            store.inc("odoo_cron_runs_total", labels, database=database)
            store.observe("odoo_cron_duration_seconds", time.perf_counter() - begun, labels, database)
            workers.end(token)

    def _update_failure_count(self, job, status):
        if status == "failed":
            store.inc("odoo_cron_failures_total", (job["cron_name"],), database=self.env.cr.dbname)
        return super()._update_failure_count(job, status)
