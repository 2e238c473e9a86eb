from odoo import models

from odoo.addons.odoo_telemetry.metrics import attempts
from odoo.addons.odoo_telemetry.metrics.catalogue import Counter
from odoo.addons.queue_job.exception import RetryableJobError

ATTEMPTS = Counter("lab_attempts_total", "Attempts of the lab's jobs.")


class Partner(models.Model):
    _inherit = "res.partner"

    def lab_attempt(self, runs):
        """Count an attempt in a job: its runs before number ``runs`` (int) fail, and are retried."""
        attempts.count(ATTEMPTS, database=self.env.cr.dbname)
        job = self.env["queue.job"].search([("uuid", "=", self.env.context["job_uuid"])])
        if job.retry + 1 < runs:
            raise RetryableJobError("not yet", seconds=1)
