"""What happens when the addon is uninstalled."""

from odoo.addons.odoo_telemetry.hooks import PARAMETERS

from .business import FACTS

_SETTINGS = ("campaign_id_limit", "n8n_errors_per_minute_threshold")


def uninstall_hook(env):
    """Count the business no more, and forget what was counted."""
    env["ir.config_parameter"].sudo().search([("key", "in", [PARAMETERS + name for name in _SETTINGS])]).unlink()
    env["telemetry.ledger"]._forget(FACTS)
