# outside Odoo, only the package `metrics` and the module `monitoring` are used
if __name__.startswith("odoo.addons."):
    from . import controllers, models
    from .hooks import post_init_hook, post_load, pre_init_hook, uninstall_hook
