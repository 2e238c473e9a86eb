# outside Odoo, only the package business is used
if __name__.startswith("odoo.addons."):
    from odoo.addons.odoo_telemetry import post_load

    from . import models, n8n_health
    from .hooks import uninstall_hook
