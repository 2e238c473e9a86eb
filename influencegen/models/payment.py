import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..compat import Constraint
from ..transaction import claim, own
from .api import ApiError, NoAddress, Refused
from .stateful import utcnow

TIMEOUT = 10  # seconds

_logger = logging.getLogger(__name__)


class Payment(models.Model):
    """The amount owed for accepted content.

    An attempt is committed before its provider is asked, and its reference is the provider's idempotency key. While
    the outcome is unknown (a crash, a time-out, an unreadable answer) the payment and its attempt stay in processing,
    and the provider is asked again with the same reference, until it answers paid or failed; only after failed is a
    new attempt possible. So money never moves twice.
    """

    _name = "influencegen.payment"
    _description = "Payment"
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _transitions = {"pending": {"processing"}, "processing": {"paid", "failed"}, "failed": {"processing"}}
    _system_fields = frozenset({"campaign_id", "influencer_id", "company_id", "paid_at"})
    _fixed_fields = frozenset({"content_id", "amount", "currency_id"})

    content_id = fields.Many2one(
        "influencegen.content", required=True, readonly=True, ondelete="restrict", check_company=True
    )
    campaign_id = fields.Many2one(related="content_id.campaign_id", store=True, index=True)
    influencer_id = fields.Many2one(related="content_id.influencer_id", store=True, index=True)
    company_id = fields.Many2one(related="content_id.company_id", store=True, index=True)
    amount = fields.Monetary(required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    provider = fields.Selection(
        selection="_providers",
        required=True,
        default=lambda self: self._default_provider(),
        tracking=True,
    )
    state = fields.Selection(
        [("pending", "Pending"), ("processing", "Processing"), ("paid", "Paid"), ("failed", "Failed")],
        default="pending",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        group_expand=True,
        tracking=True,
    )
    paid_at = fields.Datetime(string="Paid at", readonly=True, copy=False)
    attempt_ids = fields.One2many(
        "influencegen.payment.attempt", "payment_id", readonly=True, groups="influencegen.group_finance"
    )

    _content_unique = Constraint("unique (content_id)", "There is already a payment for this content.")

    @api.model
    def _default_provider(self):
        return self.env["ir.config_parameter"].sudo().get_param("influencegen.payment_provider") or "manual"

    @api.model
    def _providers(self):
        """Return the providers that can transfer money: for each code here there is a method `_transfer_<code>`."""
        manual, service = self.env._("Manual transfer"), self.env._("Payment service")
        return [("manual", manual), ("http", service)]

    @api.depends("influencer_id.name", "campaign_id.name")
    def _compute_display_name(self):
        for payment in self:
            payment.display_name = f"{payment.influencer_id.name} / {payment.campaign_id.name}"

    def write(self, vals):
        if "provider" in vals and any(payment.state in ("processing", "paid") for payment in self):
            raise UserError(
                self.env._("The provider of a payment can't be changed once the payment is processing or paid.")
            )
        return super().write(vals)

    def action_pay(self):
        """Pay each of the payments."""
        for payment in self:
            payment._pay()

    def action_settle(self):
        """Ask the provider again about the payments whose outcome is not known."""
        for payment in self:
            payment._settle()

    def _pay(self):
        """Start a new attempt and see it through, in transactions of their own.

        :raise UserError: if the payment is under way or paid, or its provider has no address
        """
        self.ensure_one()
        with own(self) as payment:
            payment._claim()
            if payment.provider == "http":
                payment._check_address()
            payment._transition("processing")
            attempts = payment.env["influencegen.payment.attempt"].sudo()
            attempts._create_as_system({"payment_id": payment.id, "provider": payment.provider})
        with own(self) as payment:
            if claim(payment, wait=True):
                payment._ask_provider()

    def _settle(self):
        """Ask the provider again about the attempt in processing, if there is one.

        :raise UserError: if another transaction is processing the payment
        """
        self.ensure_one()
        with own(self) as payment:
            payment._claim()
            payment._ask_provider()

    def _claim(self):
        self.check_access("write")
        if not claim(self):
            raise UserError(self.env._("Payment %s is being processed; try again later.", self.display_name))

    def _ask_provider(self):
        """Ask the provider about the attempt in processing, and note the outcome if it is known.

        The row stays locked meanwhile, so that only one asks at a time; the end of the process frees it.
        """
        attempt = self.sudo().attempt_ids.filtered(lambda attempt: attempt.state == "processing")
        if not attempt:
            return
        outcome, error = getattr(self, f"_transfer_{attempt.provider}")(attempt)
        if outcome == "processing":
            attempt._as_system().error = error
        else:
            now = utcnow()
            attempt._transition(outcome, finished_at=now, error=error)
            self._transition(outcome, paid_at=now if outcome == "paid" else False)

    def _check_address(self):
        """Raise UserError if the payment service has no address: an attempt could not be settled."""
        try:
            self._address()
        except NoAddress as error:
            raise UserError(self.env._("%s.", error.reason)) from error

    def _address(self):
        return self.env["influencegen.api"]._address("payment", "payment_url")

    def _transfer_manual(self, attempt):
        """The person who clicks the button has transferred the money outside Odoo."""
        return "paid", False

    def _transfer_http(self, attempt):
        """Have the payment service move the money, once for each `attempt.reference`.

        :return: the outcome (`paid`, `failed`, or `processing` if it is not known) and the error, or False
        """
        try:
            return self.env["influencegen.api"]._call(
                "payment",
                "transfer",
                "POST",
                f"{self._address()}/transfer",
                timeout=TIMEOUT,
                headers={"Idempotency-Key": attempt.reference},
                json={
                    "reference": attempt.reference,
                    "amount": self.amount,
                    "currency": self.currency_id.name,
                    "recipient": self.influencer_id.email,
                },
                parse=_outcome,
            )
        except Refused as error:
            return "failed", error.reason
        except ApiError as error:
            return "processing", error.reason

    @api.model
    def _cron_settle(self):
        for payment in self.search([("state", "=", "processing")]):
            try:
                payment._settle()
            except UserError as error:
                _logger.info("%s", error)


def _outcome(response):
    answer = response.json()
    if answer["status"] not in ("paid", "failed"):
        raise ValueError(answer["status"])
    return answer["status"], answer.get("error") or False
