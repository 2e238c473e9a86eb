from uuid import uuid4

from odoo import fields, models

from .stateful import utcnow


class PaymentAttempt(models.Model):
    _name = "influencegen.payment.attempt"
    _description = "Payment attempt"
    _inherit = ["influencegen.stateful"]
    _order = "id desc"
    _rec_name = "reference"
    _transitions = {"processing": {"paid", "failed"}}
    _system_fields = frozenset({
        "payment_id", "company_id", "provider", "reference", "started_at", "finished_at", "error",
    })  # fmt: skip

    payment_id = fields.Many2one("influencegen.payment", required=True, ondelete="restrict", index=True)
    company_id = fields.Many2one(related="payment_id.company_id", store=True, index=True)
    provider = fields.Selection(selection=lambda self: self.env["influencegen.payment"]._providers(), required=True)
    reference = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: str(uuid4()),
        help="Idempotency key sent to the payment provider.",
    )
    state = fields.Selection(
        [("processing", "Processing"), ("paid", "Paid"), ("failed", "Failed")],
        default="processing",
        required=True,
        readonly=True,
        copy=False,
        index=True,
    )
    started_at = fields.Datetime(
        string="Started at", required=True, readonly=True, copy=False, default=lambda self: utcnow()
    )
    finished_at = fields.Datetime(string="Finished at", readonly=True, copy=False)
    error = fields.Char(readonly=True, copy=False)

    def init(self):
        """Let the database refuse a second attempt of a payment that is under way or paid."""
        self.env.cr.execute(
            "CREATE UNIQUE INDEX IF NOT EXISTS influencegen_payment_attempt_once"
            " ON influencegen_payment_attempt (payment_id) WHERE state <> 'failed'"
        )
