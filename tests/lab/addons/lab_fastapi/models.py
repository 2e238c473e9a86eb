from odoo import fields, models

from .routers import router


class FastapiEndpoint(models.Model):
    _inherit = "fastapi.endpoint"

    app = fields.Selection(selection_add=[("lab", "Lab")], ondelete={"lab": "cascade"})

    def _get_fastapi_routers(self):
        return [router] if self.app == "lab" else super()._get_fastapi_routers()
