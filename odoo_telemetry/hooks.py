"""What happens when the addon is loaded, installed and uninstalled."""

import functools

from odoo.tools import config, str2bool

from . import former, odoo_hooks
from .metrics import store
from .metrics.own import Reading
from .odoo_hooks import logs, tracing
from .publication import publish_loaded

PARAMETERS = "odoo_telemetry."


@functools.cache
def post_load():
    """Begin to measure this process, and those forked from it; once, whichever addon is loaded first.

    The values are kept under the option ``odoo_telemetry_dir`` of Odoo's configuration file, or under
    ``odoo_telemetry`` in ``data_dir``. ``odoo_telemetry_otlp_endpoint`` there is where spans are sent; with
    ``odoo_telemetry_json_logs`` the log is JSON.
    """
    former.warn_of_options(config)
    store.directory.configure(config.get("odoo_telemetry_dir") or former.directory(config["data_dir"]))
    tracing.configure(config.get("odoo_telemetry_otlp_endpoint"))
    logs.configure(str2bool(str(config.get("odoo_telemetry_json_logs")), False))
    odoo_hooks.install()
    store.heartbeat.add(publish_loaded)


def pre_init_hook(env):
    """Take over what the addon had that this one was a part of."""
    former.take_over(env.cr)


def post_init_hook(env):
    """Publish the settings of the database once its installation is committed.

    What the former addon read of custom metrics has other names: they are read again.
    """
    env["telemetry.settings"]._publish()
    database = env.cr.dbname
    env.cr.postcommit.add(lambda: store.databases.publish_own(database, Reading()))


def uninstall_hook(env):
    """Stop exporting the database, and leave Odoo as it was found if no other database is measured."""
    env["ir.config_parameter"].sudo().search([("key", "=like", f"{PARAMETERS}%")]).unlink()
    env["telemetry.own.metric"]._remove_all()
    env["telemetry.ledger"]._remove()
    database = env.cr.dbname

    @env.cr.postcommit.add
    def withdraw():
        store.databases.withdraw(database)
        if not store.databases.settings():
            odoo_hooks.uninstall()
            store.heartbeat.remove(publish_loaded)
            store.directory.remove()
