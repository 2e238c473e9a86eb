from odoo import models

from .. import page_token
from ..odoo_hooks import roles, routes


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def _register_hook(self):
        super()._register_hook()
        roles.learn(self.env)
        # before the first request, which may be for a static file
        list(self._generate_routing_rules(sorted(self.pool._init_modules), converters=self._get_converters()))
        # before the first request, so that it is counted
        self.env["telemetry.settings"]._publish()

    def _generate_routing_rules(self, modules, converters):
        """Make known which routes there are whenever a routing map is made of them."""
        rules = list(super()._generate_routing_rules(modules, converters))
        routes.learn(self.env.cr.dbname, ((url, endpoint.routing) for url, endpoint in rules), modules)
        return iter(rules)

    def session_info(self):
        """Give the page its token, and tell the web client whether this user wants the firing alerts in the systray."""
        info = {**super().session_info(), **page_token.told()}
        if self.env.user.telemetry_alerts and self.env.user.has_group("base.group_system"):
            info["telemetry_alerts"] = True
        return info

    def get_frontend_session_info(self):
        return {**super().get_frontend_session_info(), **page_token.told()}
