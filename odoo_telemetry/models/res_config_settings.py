from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..hooks import PARAMETERS
from ..metrics import store
from ..metrics.catalogue import ERROR_CLASS, ROUTE, RPC_CALL
from ..metrics.exposition import GROUPS
from ..metrics.settings import THRESHOLDS, Settings

_LINKS = (
    "telemetry_grafana_url",
    "telemetry_prometheus_url",
    "telemetry_alertmanager_url",
)


def parameter(field, name, label, **attributes):
    """Return a field (of class ``field``) for telemetry's setting ``name``."""
    return field(label, config_parameter=PARAMETERS + name, **attributes)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    telemetry_token_count = fields.Integer("Valid scrape tokens", readonly=True)
    telemetry_has_server_token = fields.Boolean("The server has a scrape token", readonly=True)
    telemetry_fast = fields.Boolean("Calls to other services (fast)")
    telemetry_system = fields.Boolean("Odoo (system)")
    telemetry_business = fields.Boolean("Business (business)")
    telemetry_presence_seconds = parameter(
        fields.Integer, "presence_seconds", "Concurrent-user window (s)", default=Settings.presence_seconds
    )
    telemetry_route_limit = parameter(fields.Integer, "route_limit", "Maximum number of routes", default=ROUTE.limit)
    telemetry_error_class_limit = parameter(
        fields.Integer, "error_class_limit", "Maximum number of error classes", default=ERROR_CLASS.limit
    )
    telemetry_rpc_call_limit = parameter(
        fields.Integer, "rpc_call_limit", "Maximum number of RPC methods", default=RPC_CALL.limit
    )
    telemetry_concurrent_users_threshold = parameter(
        fields.Integer,
        "concurrent_users_threshold",
        "Concurrent-user capacity",
        default=THRESHOLDS["concurrent_users"],
    )
    telemetry_application_errors_per_minute_threshold = parameter(
        fields.Integer,
        "application_errors_per_minute_threshold",
        "Unhandled errors per minute",
        default=THRESHOLDS["application_errors_per_minute"],
    )
    # without config_parameter: Odoo deletes the parameter when the value is off or 0, and the default would apply
    telemetry_rpc_calls = fields.Boolean("RPC calls by model and method")
    telemetry_browser_sample_percent = fields.Integer("Browser sampling rate (%)")
    telemetry_grafana_url = parameter(fields.Char, "grafana_url", "Grafana")
    telemetry_prometheus_url = parameter(fields.Char, "prometheus_url", "Prometheus")
    telemetry_alertmanager_url = parameter(fields.Char, "alertmanager_url", "Alertmanager")

    @api.model
    def _telemetry_ranges(self):
        """Return {name of a field: (least, most)} of telemetry's numbers; addons add theirs."""
        return {
            "telemetry_presence_seconds": (30, 86_400),
            "telemetry_route_limit": (1, 2_000),
            "telemetry_error_class_limit": (1, 1_000),
            "telemetry_rpc_call_limit": (1, 500),
            "telemetry_concurrent_users_threshold": (1, 1_000_000),
            "telemetry_application_errors_per_minute_threshold": (1, 100_000),
            "telemetry_browser_sample_percent": (0, 100),
        }

    @api.constrains(lambda self: self._telemetry_ranges())
    def _check_telemetry_ranges(self):
        for settings in self:
            for name, (least, most) in self._telemetry_ranges().items():
                if not least <= settings[name] <= most:
                    raise ValidationError(
                        self.env._(
                            "Telemetry: %(setting)s is %(value)s; set a number from %(least)s to %(most)s.",
                            setting=self._fields[name]._description_string(self.env),
                            value=settings[name],
                            least=least,
                            most=most,
                        )
                    )

    @api.constrains(*_LINKS)
    def _check_telemetry_links(self):
        for settings in self:
            for name in _LINKS:
                link = urlsplit(settings[name] or "http://unset")
                if link.scheme not in ("http", "https") or not link.netloc:
                    raise ValidationError(
                        self.env._(
                            "Telemetry: %(value)s is not a valid URL of %(setting)s. "
                            "Enter a URL that starts with http:// or https://, or leave the field empty.",
                            setting=self._fields[name]._description_string(self.env),
                            value=settings[name],
                        )
                    )

    @api.constrains("telemetry_fast", "telemetry_system", "telemetry_business")
    def _check_telemetry_groups(self):
        for settings in self:
            if not settings._telemetry_groups():
                raise ValidationError(
                    self.env._(
                        "Telemetry: enable at least one group of metrics. To export nothing, uninstall the addon."
                    )
                )

    def _telemetry_groups(self):
        return [group for group in GROUPS if self[f"telemetry_{group}"]]

    @api.model
    def get_values(self):
        published = self.env["telemetry.settings"]._settings()
        return {
            **super().get_values(),
            **{f"telemetry_{group}": group in published.groups for group in GROUPS},
            "telemetry_token_count": len(published.token_digests),
            "telemetry_has_server_token": bool(store.server_tokens.digests()),
            "telemetry_rpc_calls": published.rpc_calls,
            "telemetry_browser_sample_percent": published.browser_sample_percent,
        }

    def set_values(self):
        super().set_values()
        settings = self.env["telemetry.settings"]
        settings._set("groups", ",".join(self._telemetry_groups()))
        settings._set("rpc_calls", str(int(self.telemetry_rpc_calls)))
        settings._set("browser_sample_percent", str(self.telemetry_browser_sample_percent))

    def action_telemetry_new_token(self):
        """Generate a scrape token and show it once; the one before it stays valid, older ones are revoked."""
        self.check_access("write")
        token = self.env["telemetry.settings"]._new_scrape_token()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New scrape token"),
            "res_model": "telemetry.scrape.token",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_token": token},
        }

    def action_telemetry_end_older_token(self):
        """Complete a rotation: revoke all tokens but the newest."""
        self.check_access("write")
        self.env["telemetry.settings"]._end_older_token()
        return {"type": "ir.actions.client", "tag": "reload"}
