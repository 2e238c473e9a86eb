import time
from datetime import datetime

from odoo import models

from ..metrics.catalogue import CRON_LATENESS
from ..odoo_hooks import crons, tracing, workers


class IrCron(models.Model):
    _inherit = "ir.cron"

    def write(self, vals):
        if "active" in vals and not vals["active"]:
            # deactivated by a user, not by Odoo
            self.env["telemetry.cron"]._forget_deactivation(self.ids)
        return super().write(vals)

    @classmethod
    def _run_job(cls, job):
        cron, database = job["cron_name"], cls.pool.db_name
        lateness = (datetime.utcnow() - job["nextcall"]).total_seconds()
        if lateness >= 0:
            CRON_LATENESS.observe(lateness, database=database, cron=cron)
        if crons.is_enqueued(job):
            return super()._run_job(job)
        token, begun = workers.begin(), time.perf_counter()
        try:
            with crons.running(database, cron), tracing.span(f"cron {cron}", **{"odoo.cron": cron}):
                return super()._run_job(job)
        finally:
            crons.count_run(database, cron, time.perf_counter() - begun)
            workers.end(token)

    def _update_failure_count(self, job, status):
        done = super()._update_failure_count(job, status)
        if status == "failed":
            crons.count_failure(self.env.cr.dbname, job["cron_name"])
            self.env["telemetry.cron"]._note_failure(job)
        elif not crons.is_enqueued(job):
            self.env["telemetry.cron"]._note_success(job["id"])
        return done
