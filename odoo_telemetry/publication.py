"""Which databases of this process are measured, told to the store.

Publishing makes the store's directory; without a measured database nothing is stored.
"""

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from .metrics import store
from .odoo_hooks.caches import snapshot

_MODEL = "telemetry.settings"


def publish_loaded():
    """Publish the settings of the loaded databases that have the addon and are not published; never raises.

    It makes good a directory that was lost while no process had it open, and settings that were damaged.
    """
    published = store.databases.settings()
    for database, registry in snapshot(Registry.registries).items():
        if database in published or _MODEL not in registry or not registry.ready:
            continue
        try:
            with registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                if env["ir.module.module"]._get("odoo_telemetry").state == "uninstalled":
                    continue
                settings = env[_MODEL]._published_settings()
        except Exception as exception:
            store.errors.count("settings", "the settings of %s can't be read: %s", database, exception)
        else:
            store.databases.publish(database, settings)
