from odoo import api, models

from ..business import CAMPAIGN


class TelemetrySettings(models.AbstractModel):
    _inherit = "telemetry.settings"

    @api.model
    def _limited_labels(self):
        return [*super()._limited_labels(), CAMPAIGN]
