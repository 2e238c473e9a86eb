from odoo import api, fields, models


class Content(models.Model):
    _name = "influencegen.content"
    _description = "Content submission"
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _transitions = {"submitted": {"accepted", "rejected"}}
    _system_fields = frozenset({"campaign_id", "influencer_id", "company_id"})
    _fixed_fields = frozenset({"application_id", "url", "caption"})

    application_id = fields.Many2one(
        "influencegen.application", required=True, ondelete="restrict", index=True, check_company=True
    )
    campaign_id = fields.Many2one(related="application_id.campaign_id", store=True, index=True)
    influencer_id = fields.Many2one(related="application_id.influencer_id", store=True, index=True)
    company_id = fields.Many2one(related="application_id.company_id", store=True, index=True)
    url = fields.Char(string="URL", required=True)
    caption = fields.Text()
    state = fields.Selection(
        [("submitted", "Submitted"), ("accepted", "Accepted"), ("rejected", "Rejected")],
        default="submitted",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        group_expand=True,
        tracking=True,
    )
    payment_ids = fields.One2many("influencegen.payment", "content_id")

    @api.depends("campaign_id.name", "influencer_id.name")
    def _compute_display_name(self):
        for content in self:
            content.display_name = f"{content.influencer_id.name} / {content.campaign_id.name}"

    def action_accept(self):
        """Accept the content; each piece becomes due for payment of the campaign's fee."""
        self._transition("accepted")
        self.env["influencegen.payment"].sudo().create(
            [
                {
                    "content_id": content.id,
                    "amount": content.campaign_id.fee,
                    "currency_id": content.campaign_id.currency_id.id,
                }
                for content in self
            ]
        )

    def action_reject(self):
        """Reject the content, which is then not paid for."""
        self._transition("rejected")
