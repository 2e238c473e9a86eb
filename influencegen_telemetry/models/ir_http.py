from odoo import models

from .. import page_token
from ..instrumentation import roles


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def _register_hook(self):
        super()._register_hook()
        roles.learn(self.env)
        # before the first request, so that it is counted
        self.env["influencegen.telemetry.settings"]._publish()

    def session_info(self):
        return {**super().session_info(), **page_token.told()}

    def get_frontend_session_info(self):
        return {**super().get_frontend_session_info(), **page_token.told()}
