import time

from odoo import models

from odoo.addons.odoo_telemetry.metrics import store

STEP_LATENCY = "influencer_kyc_verification_automated_step_latency_seconds"


class Kyc(models.Model):
    _inherit = "influencegen.kyc"

    def _run_step(self, step):
        begun = time.perf_counter()
        try:
            return super()._run_step(step)
        finally:
            store.observe(STEP_LATENCY, time.perf_counter() - begun, ("kyc", step), self.env.cr.dbname)
