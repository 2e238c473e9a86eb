import contextlib

from odoo import models
from odoo.http import request

from .. import page_token
from ..hooks import measure
from ..odoo_hooks import idle_sessions, install_with_addons, roles, routes, scrape_route
from ..publication import publish_when_committed


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def _register_hook(self):
        super()._register_hook()
        measure()
        roles.learn(self.env)
        idle_sessions.ignore_polls(self.pool)
        install_with_addons()
        # before the first request, which may be for a static file; OCA's base_rest has controllers that can't be listed
        # before its own hook has run: then the routes are known with the first routing map
        with contextlib.suppress(Exception):
            list(self._generate_routing_rules(sorted(self.pool._init_modules), converters=self._get_converters()))
        # before the first request, so that it is counted
        publish_when_committed(self.env.cr, self.pool)

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Do not save a logged-in user's session for a poll where idle sessions end: it must not count as activity."""
        super()._pre_dispatch(rule, args)
        if idle_sessions.is_ignored(request.registry, request.httprequest.path) and request.session.uid:
            request.session.can_save = False

    def _generate_routing_rules(self, modules, converters):
        """Make known which routes there are whenever a routing map is made of them."""
        rules = list(super()._generate_routing_rules(modules, converters))
        routes.learn(self.env.cr.dbname, ((url, endpoint.routing) for url, endpoint in rules), modules)
        scrape_route.look(self.env.cr.dbname, rules)
        return iter(rules)

    def session_info(self):
        """Give the page its token, and tell the web client whether this user wants the firing alerts in the systray."""
        info = {**super().session_info(), **page_token.session_info()}
        if self.env.user.telemetry_alerts and self.env.user.has_group("base.group_system"):
            info["telemetry_alerts"] = True
        return info

    def get_frontend_session_info(self):
        return {**super().get_frontend_session_info(), **page_token.session_info()}
