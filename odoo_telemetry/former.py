"""Migration from influencegen_telemetry 1.1 and earlier, which contained this addon.

Since then, names of models, tables, parameters, custom metrics and the exporter's own series are neutral.
"""

import logging
from pathlib import Path

from odoo.tools import SQL, sql

_logger = logging.getLogger(__name__)

FORMER, NAME = "influencegen_telemetry", "odoo_telemetry"
TABLES, MODELS, CUSTOM = (
    ("influencegen_telemetry_", "telemetry_"),
    ("influencegen.telemetry.", "telemetry."),
    (
        "influencegen_own_",
        "odoo_custom_",
    ),
)
"""The prefixes of names: former and present."""
LEFT = (
    "business_settings_view_form",
    "field_res_config_settings__telemetry_campaign_id_limit",
    "field_res_config_settings__telemetry_n8n_errors_per_minute_threshold",
    "model_influencegen_api",
    "model_influencegen_image",
    "model_influencegen_influencer",
    "model_influencegen_kyc",
    "payment_attempt_view_list",
)
"""The external ids that the former addon keeps."""
_NAMES_OF_MODELS = (
    ("base_import_mapping", "res_model"),
    ("ir_model", "model"),
    ("ir_model_data", "model"),
    ("ir_model_fields", "model"),
    ("ir_model_fields", "relation"),
    ("ir_act_server", "model_name"),
    ("ir_act_window", "res_model"),
    ("ir_attachment", "res_model"),
    ("ir_embedded_actions", "parent_res_model"),
    ("ir_exports", "resource"),
    ("ir_filters", "model_id"),
    ("ir_ui_view", "model"),
)
"""The columns of Odoo that hold names of models, where there are such columns."""


def directory(data_dir):
    """Return the metrics directory in Odoo's ``data_dir``: that of the former addon, if there is one."""
    kept = Path(data_dir) / FORMER
    return kept if kept.exists() else Path(data_dir) / NAME


def warn_of_options(options):
    """Warn of each of the former addon's options in ``options`` (mapping), by the name that it has now."""
    for name in ("dir", "otlp_endpoint", "json_logs"):
        if options.get(f"{FORMER}_{name}"):
            _logger.warning("The option %s_%s is ignored: rename it to %s_%s", FORMER, name, NAME, name)


def take_over(cr):
    """Move the records of ``FORMER`` to this addon, except those in ``LEFT``, before this addon's data are loaded.

    ``FORMER`` 1.2 needs this addon: where that is installed, there is nothing left to take over.
    """
    if not _has_table(cr, f"{TABLES[0]}own_metric"):
        return
    _take_external_ids(cr)
    _drop_functions(cr)
    _rename_tables(cr)
    _rename_models(cr)
    _rename_metrics(cr)
    _rename_parameters(cr)


def _take_external_ids(cr):
    cr.execute(
        "UPDATE ir_model_data SET module = %s, name = replace(name, %s, %s) WHERE module = %s AND name != ALL(%s)",
        [NAME, *TABLES, FORMER, list(LEFT)],
    )
    for table in ("ir_model_constraint", "ir_model_relation"):
        cr.execute(
            f"""
            UPDATE {table} SET module = own.id, name = replace({table}.name, %s, %s)
              FROM ir_module_module own, ir_module_module former
             WHERE own.name = %s AND former.name = %s AND {table}.module = former.id
            """,
            [*TABLES, NAME, FORMER],
        )


def _drop_functions(cr):
    """Drop the functions of triggers, and with them the triggers: both are created again under their new names."""
    cr.execute(
        "SELECT proname FROM pg_proc WHERE starts_with(proname, %s) AND pronamespace = current_schema()::regnamespace",
        [TABLES[0]],
    )
    for (name,) in cr.fetchall():
        cr.execute(SQL("DROP FUNCTION %s CASCADE", SQL.identifier(name)))


def _rename_tables(cr):
    """Rename tables, with their sequences, indexes and constraints."""
    former, new = TABLES

    def renamed(name):
        return SQL.identifier(f"{new}{name.removeprefix(former)}")

    cr.execute(
        "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
        " WHERE starts_with(conname, %s) AND connamespace = current_schema()::regnamespace",
        [former],
    )
    for table, name in cr.fetchall():
        cr.execute(
            SQL("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", SQL.identifier(table), SQL.identifier(name), renamed(name))
        )
    # an index of a constraint has been renamed with it
    cr.execute(
        "SELECT relkind, relname FROM pg_class WHERE starts_with(relname, %s) AND relkind IN ('r', 'i', 'S')"
        " AND relnamespace = current_schema()::regnamespace",
        [former],
    )
    for kind, name in cr.fetchall():
        kind = {"r": SQL("TABLE"), "i": SQL("INDEX"), "S": SQL("SEQUENCE")}[kind]
        cr.execute(SQL("ALTER %s %s RENAME TO %s", kind, SQL.identifier(name), renamed(name)))


def _rename_models(cr):
    for table, column in _NAMES_OF_MODELS:
        if sql.column_exists(cr, table, column):
            cr.execute(
                f"UPDATE {table} SET {column} = replace({column}, %s, %s) WHERE starts_with({column}, %s)",
                [*MODELS, MODELS[0]],
            )


def _rename_metrics(cr):
    """Rename custom metrics in the ledger, and what telemetry counts there of its own."""
    for former, new in (CUSTOM, (f"{FORMER}_", f"{NAME}_")):
        for table in ("entry", "total", "own_note"):
            if _has_table(cr, f"{TABLES[1]}{table}"):
                cr.execute(
                    f"UPDATE {TABLES[1]}{table} SET metric = replace(metric, %s, %s) WHERE starts_with(metric, %s)",
                    [former, new, former],
                )
    if _has_table(cr, f"{TABLES[1]}total"):
        cr.execute(
            f"UPDATE {TABLES[1]}total SET labels = replace(labels, %s, %s) WHERE metric = %s",
            [*CUSTOM, f"{NAME}_facts_carried_over_total"],
        )


def _rename_parameters(cr):
    """Rename parameters; they replace those that already have the new name."""
    cr.execute(
        """
        DELETE FROM ir_config_parameter WHERE key IN (
            SELECT %(new)s || substr(key, %(end)s) FROM ir_config_parameter WHERE starts_with(key, %(former)s)
        );
        UPDATE ir_config_parameter SET key = %(new)s || substr(key, %(end)s) WHERE starts_with(key, %(former)s)
        """,
        {"new": NAME, "end": len(FORMER) + 1, "former": f"{FORMER}."},
    )


def _has_table(cr, name):
    cr.execute("SELECT to_regclass(%s)", [name])
    return bool(cr.fetchone()[0])
