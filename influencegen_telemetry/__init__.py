# outside Odoo, metrics and business are of use alone
if __name__.startswith("odoo.addons."):
    from . import controllers, models, n8n_health
    from .hooks import post_init_hook, post_load, uninstall_hook
    from .models import business
