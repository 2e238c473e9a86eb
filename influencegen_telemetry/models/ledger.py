from odoo import api, models

from ..business import FACTS


class Ledger(models.AbstractModel):
    _inherit = "telemetry.ledger"

    @api.model
    def _facts(self):
        return [*super()._facts(), *FACTS]
