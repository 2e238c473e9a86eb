from odoo import fields, models


class Users(models.Model):
    _inherit = "res.users"

    telemetry_alerts = fields.Boolean(
        "Firing alerts", help="Show the alerts that fire in the bar at the top, for administrators."
    )
