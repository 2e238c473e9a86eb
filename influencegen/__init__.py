# outside Odoo, only the module signing is used
if __name__.startswith("odoo.addons."):
    from . import controllers, models
    from .hooks import post_init_hook, uninstall_hook
