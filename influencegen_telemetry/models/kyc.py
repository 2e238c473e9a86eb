import time

from odoo import models

from ..business.metrics import KYC_STEP_LATENCY


class Kyc(models.Model):
    _inherit = "influencegen.kyc"

    def _run_step(self, step):
        begun = time.perf_counter()
        try:
            return super()._run_step(step)
        finally:
            seconds, database = time.perf_counter() - begun, self.env.cr.dbname
            KYC_STEP_LATENCY.observe(seconds, database=database, verification_service="kyc", step_name=step)
