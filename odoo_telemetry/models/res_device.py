from odoo import api, models

from ..odoo_hooks import idle_sessions


class DeviceLog(models.Model):
    _inherit = "res.device.log"

    @api.model
    def _update_device(self, request):
        """Where idle sessions end, record a poll as activity only from an IP address that is new to the session."""
        known = {trace["ip_address"] for trace in request.session.get("_trace", ())}
        is_new = request.httprequest.remote_addr not in known
        if is_new or not idle_sessions.is_ignored(self.pool, request.httprequest.path):
            super()._update_device(request)
