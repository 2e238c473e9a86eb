from odoo import api, models

from odoo.addons.odoo_telemetry.metrics import attempts


class Influencer(models.Model):
    _inherit = "influencegen.influencer"

    @api.model
    def _sign_up(self, values, source):
        attempts.count("influencer_registration_attempts_total", database=self.env.cr.dbname)
        return super()._sign_up(values, source)
