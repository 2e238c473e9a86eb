from odoo import fields, models

from .image import DAILY_QUOTA, SECONDS_TO_ANSWER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    influencegen_kyc_url = fields.Char("KYC service", config_parameter="influencegen.kyc_url")
    influencegen_n8n_webhook_url = fields.Char("n8n webhook", config_parameter="influencegen.n8n_webhook_url")
    influencegen_callback_url = fields.Char("Callback", config_parameter="influencegen.callback_url")
    influencegen_webhook_secret = fields.Char("Secret", config_parameter="influencegen.webhook_secret", readonly=True)
    influencegen_image_daily_quota = fields.Integer(
        "Images per user and day", config_parameter="influencegen.image_daily_quota", default=DAILY_QUOTA
    )
    influencegen_image_timeout_seconds = fields.Integer(
        "Seconds to answer", config_parameter="influencegen.image_timeout_seconds", default=SECONDS_TO_ANSWER
    )
    influencegen_payment_provider = fields.Selection(
        selection=lambda self: self.env["influencegen.payment"]._providers(),
        string="Payment provider",
        config_parameter="influencegen.payment_provider",
        default="manual",
    )
    influencegen_payment_url = fields.Char("Payment service", config_parameter="influencegen.payment_url")
