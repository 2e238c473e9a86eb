# outside Odoo, signing is of use alone
if __name__.startswith("odoo.addons."):
    from . import controllers, models
    from .hooks import post_init_hook, uninstall_hook
