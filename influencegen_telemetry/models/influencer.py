from odoo import api, models

from odoo.addons.odoo_telemetry.metrics import attempts

from ..business.metrics import REGISTRATION_ATTEMPTS


class Influencer(models.Model):
    _inherit = "influencegen.influencer"

    @api.model
    def _sign_up(self, values, source):
        attempts.count(REGISTRATION_ATTEMPTS, database=self.env.cr.dbname)
        return super()._sign_up(values, source)
