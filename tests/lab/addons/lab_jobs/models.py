from odoo import models

from odoo.addons.odoo_telemetry.metrics import attempts
from odoo.addons.odoo_telemetry.metrics.catalogue import Counter
from odoo.addons.queue_job.exception import RetryableJobError

ATTEMPTS = Counter("lab_attempts_total", "Attempts of the lab's jobs.")


class Partner(models.Model):
    _inherit = "res.partner"

    def lab_attempt(self, runs):
        """Attempt something as a job that fails, to be retried, until its run number ``runs`` (int)."""
        attempts.count(ATTEMPTS, database=self.env.cr.dbname)
        job = self.env["queue.job"].search([("uuid", "=", self.env.context["job_uuid"])])
        if job.retry + 1 < runs:
            raise RetryableJobError("not yet", seconds=1)
