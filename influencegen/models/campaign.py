from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import mute_logger

from .counting import count


class Campaign(models.Model):
    _name = "influencegen.campaign"
    _description = "Campaign"
    _inherit = ["influencegen.stateful", "mail.thread", "mail.activity.mixin"]
    _order = "date_start desc, id desc"
    _check_company_auto = True
    _transitions = {"draft": {"open"}, "open": {"closed"}}
    _fixed_fields = frozenset({"company_id"})

    name = fields.Char(required=True)
    brand_id = fields.Many2one("res.partner", required=True, check_company=True, tracking=True)
    description = fields.Text()
    state = fields.Selection(
        [("draft", "Draft"), ("open", "Open"), ("closed", "Closed")],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        group_expand=True,
        tracking=True,
    )
    date_start = fields.Date(string="Start", required=True, default=fields.Date.context_today)
    date_end = fields.Date(string="End")
    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id, tracking=True
    )
    fee = fields.Monetary(help="Amount paid to an influencer for each accepted piece of content.", tracking=True)
    manager_id = fields.Many2one("res.users", default=lambda self: self.env.user, check_company=True, tracking=True)
    application_ids = fields.One2many("influencegen.application", "campaign_id")
    content_ids = fields.One2many("influencegen.content", "campaign_id")
    image_ids = fields.One2many("influencegen.image", "campaign_id")
    application_count = fields.Integer(string="Number of applications", compute="_compute_application_count")
    content_count = fields.Integer(string="Content submitted", compute="_compute_content_count")
    image_count = fields.Integer(string="Number of images", compute="_compute_image_count")

    @api.depends("application_ids")
    def _compute_application_count(self):
        count(self, "application_count", "influencegen.application", "campaign_id")

    @api.depends("content_ids")
    def _compute_content_count(self):
        count(self, "content_count", "influencegen.content", "campaign_id")

    @api.depends("image_ids")
    def _compute_image_count(self):
        count(self, "image_count", "influencegen.image", "campaign_id")

    @api.constrains("date_start", "date_end")
    def _check_dates(self):
        for campaign in self:
            if campaign.date_end and campaign.date_end < campaign.date_start:
                raise ValidationError(self.env._("Campaign %s can't end before it starts.", campaign.name))

    @api.constrains("fee")
    def _check_fee(self):
        for campaign in self:
            if campaign.fee < 0:
                raise ValidationError(self.env._("The fee of campaign %s can't be negative.", campaign.name))

    def action_open(self):
        """Open the campaigns to applications."""
        self._transition("open")

    def action_close(self):
        """Close the campaigns to applications."""
        self._transition("closed")

    def _apply(self, influencer, message=""):
        """Apply for ``influencer`` and return the application.

        :raise UserError: unless the campaign is open, the influencer is active, of the same company,
            and has not applied before
        """
        self.ensure_one()
        if self.state != "open":
            raise UserError(self.env._("Campaign %s is not open.", self.name))
        if influencer.state != "active":
            raise UserError(self.env._("Only active influencers can apply."))
        if influencer.company_id != self.company_id:
            raise UserError(self.env._("Campaign %s belongs to another company.", self.name))
        has_applied = UserError(
            self.env._(
                "%(influencer)s has already applied to campaign %(campaign)s.",
                influencer=influencer.name,
                campaign=self.name,
            )
        )
        if influencer in self.application_ids.influencer_id:
            raise has_applied
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                return self.env["influencegen.application"].create(
                    {
                        "campaign_id": self.id,
                        "influencer_id": influencer.id,
                        "message": message,
                    }
                )
        except UniqueViolation as error:
            # at the same moment, in another transaction
            raise has_applied from error
