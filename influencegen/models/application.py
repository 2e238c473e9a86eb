from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..compat import Constraint
from ..refusal import about, shown


class Application(models.Model):
    _name = "influencegen.application"
    _description = "Campaign application"
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _transitions = {"submitted": {"accepted", "declined"}}
    _system_fields = frozenset({"company_id"})
    _fixed_fields = frozenset({"campaign_id", "influencer_id", "message"})

    campaign_id = fields.Many2one(
        "influencegen.campaign", required=True, ondelete="restrict", index=True, check_company=True
    )
    influencer_id = fields.Many2one(
        "influencegen.influencer", required=True, ondelete="restrict", index=True, check_company=True
    )
    company_id = fields.Many2one(related="campaign_id.company_id", store=True, index=True)
    message = fields.Text()
    state = fields.Selection(
        [("submitted", "Submitted"), ("accepted", "Accepted"), ("declined", "Declined")],
        default="submitted",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        group_expand=True,
        tracking=True,
    )
    content_ids = fields.One2many("influencegen.content", "application_id")

    _once = Constraint("unique (campaign_id, influencer_id)", "An influencer can apply to a campaign only once.")

    @api.depends("campaign_id.name", "influencer_id.name")
    def _compute_display_name(self):
        for application in self:
            application.display_name = f"{application.influencer_id.name} / {application.campaign_id.name}"

    @api.constrains("campaign_id", "influencer_id")
    def _check_parties(self):
        for application in self:
            if application.campaign_id.state != "open":
                raise ValidationError(self.env._("Campaign %s is not open.", application.campaign_id.name))
            if application.influencer_id.state != "active":
                raise ValidationError(self.env._("Only active influencers can apply."))

    def action_accept(self):
        """Accept the influencers for the campaign."""
        self._transition("accepted")

    def action_decline(self):
        """Decline the applications."""
        self._transition("declined")

    def _submit_content(self, url, caption=""):
        """Submit a published post for review and return the content.

        :raise UserError: unless the application is accepted, its influencer active, and ``url`` an http(s) address
        """
        self.ensure_one()
        if self.state != "accepted":
            raise UserError(self.env._("Content can only be submitted for an accepted application."))
        if self.influencer_id.state != "active":
            raise UserError(self.env._("Only active influencers can submit content."))
        try:
            address = urlsplit((url or "").strip())
        except ValueError:
            address = None
        if not address or address.scheme not in ("http", "https") or not address.hostname:
            message = self.env._(
                "“%s” is not a web address. Enter the address of the published post, starting with https://.",
                shown(url or ""),
            )
            raise about("url", UserError(message))
        return self.env["influencegen.content"].create(
            {
                "application_id": self.id,
                "url": address.geturl(),
                "caption": caption,
            }
        )
