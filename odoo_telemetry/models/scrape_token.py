from odoo import api, fields, models


class ScrapeToken(models.TransientModel):
    """Shows a new scrape token once: it is in the form only, and never in the database."""

    _name = "telemetry.scrape.token"
    _description = "New scrape token"

    token = fields.Char(readonly=True, store=False)
    authorization = fields.Char(compute="_compute_authorization")

    @api.depends("token")
    def _compute_authorization(self):
        for record in self:
            record.authorization = f"Authorization: Bearer {record.token}"
