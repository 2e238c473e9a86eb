from odoo import api, fields, models

from odoo.addons.odoo_telemetry.metrics.settings import THRESHOLDS
from odoo.addons.odoo_telemetry.models.res_config_settings import parameter

from ..business import CAMPAIGN


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    telemetry_campaign_id_limit = parameter(
        fields.Integer, "campaign_id_limit", "Maximum number of campaigns", default=CAMPAIGN.limit
    )
    telemetry_n8n_errors_per_minute_threshold = parameter(
        fields.Integer,
        "n8n_errors_per_minute_threshold",
        "Failed n8n executions per minute",
        default=THRESHOLDS["n8n_errors_per_minute"],
    )

    @api.model
    def _telemetry_ranges(self):
        return {
            **super()._telemetry_ranges(),
            "telemetry_campaign_id_limit": (1, 10_000),
            "telemetry_n8n_errors_per_minute_threshold": (1, 100_000),
        }
