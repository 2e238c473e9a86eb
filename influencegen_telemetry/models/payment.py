from odoo import api, models

from ..metrics import facts

_OUTCOMES = {"paid": "payment_processing_success_total", "failed": "payment_processing_failures_total"}


class PaymentAttempt(models.Model):
    _inherit = "influencegen.payment.attempt"

    @api.model_create_multi
    def create(self, vals_list):
        attempts = super().create(vals_list)
        facts.count(self.env.cr, "payment_processing_attempts_total", amount=len(attempts))
        return attempts

    def _transition(self, state, **values):
        super()._transition(state, **values)
        if state in _OUTCOMES:
            facts.count(self.env.cr, _OUTCOMES[state], amount=len(self))
