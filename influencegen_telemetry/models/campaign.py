from odoo import api, models

from ..metrics import facts

_APPLICATIONS = "campaign_applications_total"
_CONTENTS = "campaign_content_submissions_total"


class Campaign(models.Model):
    _inherit = "influencegen.campaign"

    @api.model_create_multi
    def create(self, vals_list):
        campaigns = super().create(vals_list)
        for campaign in campaigns:
            facts.count(self.env.cr, _APPLICATIONS, (campaign.id,), 0)
            facts.count(self.env.cr, _CONTENTS, (campaign.id,), 0)
        return campaigns


class Application(models.Model):
    _inherit = "influencegen.application"

    @api.model_create_multi
    def create(self, vals_list):
        applications = super().create(vals_list)
        for application in applications:
            facts.count(self.env.cr, _APPLICATIONS, (application.campaign_id.id,))
        return applications


class Content(models.Model):
    _inherit = "influencegen.content"

    @api.model_create_multi
    def create(self, vals_list):
        contents = super().create(vals_list)
        for content in contents:
            facts.count(self.env.cr, _CONTENTS, (content.campaign_id.id,))
        return contents
