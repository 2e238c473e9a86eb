from odoo import api, models

from ..business import BUSINESS


class Ledger(models.AbstractModel):
    _inherit = "telemetry.ledger"

    @api.model
    def _facts(self):
        return [*super()._facts(), *(metric for metric in BUSINESS if metric.rows)]
