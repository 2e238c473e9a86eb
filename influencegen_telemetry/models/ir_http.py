from odoo import models

from ..instrumentation import roles


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def _register_hook(self):
        super()._register_hook()
        roles.learn(self.env)
        # before the first request, so that it is counted
        self.env["influencegen.telemetry.settings"]._publish()
