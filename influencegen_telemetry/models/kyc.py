import time

from odoo import models

from ..metrics import facts, store


class Kyc(models.Model):
    _inherit = "influencegen.kyc"

    def _transition(self, state, **values):
        super()._transition(state, **values)
        for kyc in self:
            if state == "submitted":
                facts.count(self.env.cr, "influencer_kyc_submissions_total")
            elif state in ("approved", "rejected"):
                labels = (kyc.verification_type, state)
                facts.count(self.env.cr, "influencer_kyc_verifications_total", labels)
                if kyc.verification_type == "manual":
                    name = "influencer_onboarding_kyc_manual_review_time_seconds"
                    facts.observe_between(self.env.cr, name, kyc.review_requested_at, kyc.reviewed_at)

    def _run_step(self, step):
        begun = time.perf_counter()
        try:
            return super()._run_step(step)
        finally:
            store.observe(
                "influencer_kyc_verification_automated_step_latency_seconds",
                time.perf_counter() - begun,
                ("kyc", step),
                self.env.cr.dbname,
            )
