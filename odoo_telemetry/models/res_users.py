from odoo import fields, models


class Users(models.Model):
    _inherit = "res.users"

    telemetry_alerts = fields.Boolean(
        "Firing alerts", help="Show the firing alerts in the systray, for administrators."
    )
