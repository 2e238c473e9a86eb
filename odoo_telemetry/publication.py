"""Announces to the store which databases of this process are measured.

Publishing makes the store's directory; without a measured database nothing is stored.
"""

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from .metrics import store
from .odoo_hooks.caches import snapshot

_MODEL = "telemetry.settings"


def publish_loaded():
    """Publish the settings of the loaded databases that have the addon and are not published; never raises.

    This restores a directory that was lost while no process had it open, and settings that were damaged.
    """
    published = store.databases.settings()
    for database, registry in snapshot(Registry.registries).items():
        if database in published or _MODEL not in registry or not registry.ready:
            continue
        _publish(database, registry)


def publish_when_committed(cr, registry):
    """Publish the settings of a database that is being loaded, once ``cr`` is committed; never raises.

    They are read again then: to load a database takes seconds, and its transaction does not see what was set meanwhile.
    """
    cr.postcommit.add(lambda: _publish(registry.db_name, registry))


def _publish(database, registry):
    try:
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            if env["ir.module.module"]._get("odoo_telemetry").state == "uninstalled":
                return
            settings = env[_MODEL]._published_settings()
    except Exception as exception:
        store.errors.count("settings", "the settings of %s can't be read: %s", database, exception)
    else:
        store.databases.publish(database, settings)
