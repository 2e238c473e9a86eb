"""What runs here: the version of Odoo, and those of the modules that are installed in each database."""

import platform

from odoo import release

from ..metrics import collectors, store
from ..metrics.catalogue import MODULE_INFO, ODOO_INFO


def info(database):
    """Yield the version of Odoo, for the instance (None)."""
    if database is None:
        yield ODOO_INFO.sample(
            1, version=release.version, series=release.series, python_version=platform.python_version()
        )


def modules(database):
    """Yield the versions of the modules of ``database``, as it published them when it was loaded last."""
    if settings := store.databases.settings().get(database or ""):
        for module, version in settings.versions.items():
            yield MODULE_INFO.sample(1, module=module, version=version)


def install():
    """Show versions."""
    collectors.add(info, group="system")
    collectors.add(modules, group="business")


def uninstall():
    """Stop exporting versions."""
    collectors.remove(info)
    collectors.remove(modules)
