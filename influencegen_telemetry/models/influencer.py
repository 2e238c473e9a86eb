from odoo import api, models

from ..metrics import attempts, facts


class Influencer(models.Model):
    _inherit = "influencegen.influencer"

    @api.model
    def _sign_up(self, values, source):
        attempts.count("influencer_registration_attempts_total", database=self.env.cr.dbname)
        return super()._sign_up(values, source)

    @api.model_create_multi
    def create(self, vals_list):
        influencers = super().create(vals_list)
        registered = len(influencers.filtered(lambda influencer: influencer.source != "backoffice"))
        if registered:
            facts.count(self.env.cr, "influencer_registration_success_total", amount=registered)
        return influencers
