"""What happens when the addon is loaded, installed and uninstalled."""

import functools
import os

from odoo.tools import config, str2bool

from . import former, odoo_hooks
from .metrics import store
from .metrics.custom import Reading
from .odoo_hooks import logs, tracing
from .publication import publish_loaded

PARAMETERS = "odoo_telemetry."


@functools.cache
def post_load():
    """Start measuring this process and its children; once, whichever addon is loaded first.

    Options of Odoo's configuration file: ``odoo_telemetry_dir`` is the metrics directory (default: ``odoo_telemetry``
    in ``data_dir``, or ``influencegen_telemetry`` if that exists), ``odoo_telemetry_otlp_endpoint`` the collector of
    spans, ``odoo_telemetry_otlp_details`` the maximum number of SQL and ORM spans per trace; with
    ``odoo_telemetry_json_logs``, the log is JSON. ``odoo_telemetry_token`` and ``odoo_telemetry_token_file`` are scrape
    tokens for all databases; the environment variables ``ODOO_TELEMETRY_TOKEN`` and ``ODOO_TELEMETRY_TOKEN_FILE`` take
    precedence.
    """
    former.warn_of_options(config)
    store.directory.configure(config.get("odoo_telemetry_dir") or former.directory(config["data_dir"]))
    store.server_tokens.configure(_option("token"), _option("token_file"))
    details = str(config.get("odoo_telemetry_otlp_details") or "")
    tracing.configure(config.get("odoo_telemetry_otlp_endpoint"), int(details) if details.isdecimal() else 0)
    logs.configure(str2bool(str(config.get("odoo_telemetry_json_logs")), False))
    measure()


def measure():
    """Measure this process, if it is not measured yet; never raises."""
    odoo_hooks.install()
    store.heartbeat.add(publish_loaded)


def _option(name):
    """Return the value of an environment variable, or else of Odoo's configuration file; None if neither has it."""
    return os.environ.get(f"ODOO_TELEMETRY_{name.upper()}", config.get(f"{PARAMETERS[:-1]}_{name}"))


def pre_init_hook(env):
    """Migrate from the addon that contained this one."""
    former.take_over(env.cr)


def post_init_hook(env):
    """Publish the settings of the database once its installation is committed.

    What the former addon read of custom metrics has other names: they are read again.
    """
    env["telemetry.settings"]._publish()
    database = env.cr.dbname
    env.cr.postcommit.add(lambda: store.databases.publish_custom(database, Reading()))


def uninstall_hook(env):
    """Stop exporting the database, and delete what is stored if no other database is measured.

    The hooks stay until the process ends, as they do in the other workers. They store nothing, and all workers count
    again from the moment when the addon is installed again.
    """
    env["ir.config_parameter"].sudo().search([("key", "=like", f"{PARAMETERS}%")]).unlink()
    env["telemetry.own.metric"]._remove_all()
    env["telemetry.ledger"]._remove()
    for model in env["telemetry.reading"]._background():
        env[model]._remove()
    database = env.cr.dbname

    @env.cr.postcommit.add
    def withdraw():
        store.databases.withdraw(database)
        if not store.databases.settings():
            store.directory.remove()
