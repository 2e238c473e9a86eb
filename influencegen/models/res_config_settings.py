from odoo import api, fields, models

from .image import DAILY_QUOTA, SECONDS_TO_ANSWER
from .influencer import REGISTRATIONS_PER_CLIENT, REGISTRATIONS_PER_HOUR


class ResConfigSettings(models.TransientModel):
    """The settings; Odoo reads and writes their parameters as superuser, so each way in checks access first."""

    _inherit = "res.config.settings"

    influencegen_registrations_per_client = fields.Integer(
        "Registrations per client per hour",
        config_parameter="influencegen.registrations_per_client",
        default=REGISTRATIONS_PER_CLIENT,
    )
    influencegen_registrations_per_hour = fields.Integer(
        "Registrations per hour",
        config_parameter="influencegen.registrations_per_hour",
        default=REGISTRATIONS_PER_HOUR,
    )
    influencegen_kyc_url = fields.Char("KYC service URL", config_parameter="influencegen.kyc_url")
    influencegen_n8n_webhook_url = fields.Char("n8n webhook URL", config_parameter="influencegen.n8n_webhook_url")
    influencegen_callback_url = fields.Char("Callback URL", config_parameter="influencegen.callback_url")
    influencegen_webhook_secret = fields.Char(
        "Webhook secret", config_parameter="influencegen.webhook_secret", readonly=True
    )
    influencegen_image_daily_quota = fields.Integer(
        "Images per user per day", config_parameter="influencegen.image_daily_quota", default=DAILY_QUOTA
    )
    influencegen_image_timeout_seconds = fields.Integer(
        "Image timeout (s)", config_parameter="influencegen.image_timeout_seconds", default=SECONDS_TO_ANSWER
    )
    influencegen_payment_provider = fields.Selection(
        selection=lambda self: self.env["influencegen.payment"]._providers(),
        string="Payment provider",
        config_parameter="influencegen.payment_provider",
        default="manual",
    )
    influencegen_payment_url = fields.Char("Payment service URL", config_parameter="influencegen.payment_url")

    @api.model
    def default_get(self, fields):
        self.check_access("create")
        return super().default_get(fields)

    @api.model
    def get_values(self):
        self.check_access("create")
        return super().get_values()

    def set_values(self):
        """Save the settings of one record.

        :raises odoo.exceptions.AccessError: for a user outside ``base.group_system``, before anything is written
        """
        self.check_access("write")
        # without a record every setting is empty
        self.ensure_one()
        return super().set_values()
