from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.tests import BaseCase, TransactionCase, tagged

from .. import former

OWNED = """
    SELECT 'data', name, model || ',' || res_id FROM ir_model_data WHERE module = 'odoo_telemetry'
    UNION ALL SELECT 'constraint', c.name, c.type FROM ir_model_constraint c JOIN ir_module_module m ON m.id = c.module
        WHERE m.name = 'odoo_telemetry'
    UNION ALL SELECT 'relation', relname::text, relkind::text FROM pg_class WHERE relname LIKE '%telemetry\\_%'
    UNION ALL SELECT 'constraint of a table', conname::text, contype::text FROM pg_constraint
        WHERE contype != 't' AND conname LIKE '%telemetry\\_%'
    UNION ALL SELECT 'model', model, NULL FROM ir_model WHERE model LIKE '%telemetry.%'
    UNION ALL SELECT 'field', model || '.' || name, relation FROM ir_model_fields
        WHERE model LIKE '%telemetry.%' OR relation LIKE '%telemetry.%'
    UNION ALL SELECT 'view', name, model FROM ir_ui_view WHERE model LIKE '%telemetry.%'
    UNION ALL SELECT 'action', NULL, res_model FROM ir_act_window WHERE res_model LIKE '%telemetry.%'
    UNION ALL SELECT 'parameter', key, value FROM ir_config_parameter WHERE key LIKE '%\\_telemetry.%'
    UNION ALL SELECT 'total', metric, amount::text FROM telemetry_total
"""


@tagged("post_install", "-at_install")
class TestTakeOver(TransactionCase):
    """The database becomes as it was before the former addon was split, by the same steps in the other direction."""

    def setUp(self):
        super().setUp()
        self.env.flush_all()
        self.sql(
            "INSERT INTO ir_module_module (name, state) VALUES (%s, 'installed') ON CONFLICT DO NOTHING", former.FORMER
        )
        self.sql("INSERT INTO telemetry_total VALUES ('odoo_custom_trial_total', '[]', '', 7)")
        self.sql("INSERT INTO telemetry_total VALUES ('trial_total', '[]', '', 8)")
        if "base_import.mapping" in self.env:
            self.sql("INSERT INTO base_import_mapping (res_model) VALUES ('telemetry.own.metric')")
        self.sql("DELETE FROM ir_model_data WHERE module = %s", former.FORMER)
        # the former addon had no such indexes, and its longer name would cut theirs off
        self.sql("SELECT indexname FROM pg_indexes WHERE starts_with(indexname, 'telemetry_at_')")
        for (index,) in self.env.cr.fetchall():
            self.sql(f'DROP INDEX "{index}"')
        self.before = self.owned()
        with patch.multiple(
            former, FORMER=former.NAME, NAME=former.FORMER, LEFT=(),
            **{name: getattr(former, name)[::-1] for name in ("TABLES", "MODELS", "CUSTOM")},
        ):  # fmt: skip
            former.take_over(self.env.cr)
        self.sql(
            "INSERT INTO ir_model_data (module, name, model, res_id) VALUES (%s, %s, 'ir.ui.view', 1)",
            former.FORMER,
            former.LEFT[0],
        )

    def sql(self, statement, *parameters):
        self.env.cr.execute(statement, parameters or None)

    def owned(self):
        self.sql(OWNED)
        return sorted(self.env.cr.fetchall(), key=repr)

    def test_before_the_migration_nothing_has_a_new_name(self):
        self.sql("SELECT to_regclass('telemetry_total'), to_regclass('influencegen_telemetry_total')")
        self.assertEqual(self.env.cr.fetchone(), (None, "influencegen_telemetry_total"))
        self.sql("SELECT metric FROM influencegen_telemetry_total WHERE amount = 7")
        self.assertEqual(self.env.cr.fetchall(), [("influencegen_own_trial_total",)])
        self.sql("SELECT count(*) FROM ir_model WHERE model LIKE 'telemetry.%'")
        self.assertEqual(self.env.cr.fetchall(), [(0,)])

    def test_no_column_keeps_the_name_of_a_model(self):
        self.sql(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name) WHERE table_schema = current_schema AND table_type = 'BASE TABLE'"
            " AND data_type = 'character varying' AND column_name LIKE '%model%'"
        )
        for table, column in self.env.cr.fetchall():
            self.sql(f"SELECT count(*) FROM {table} WHERE starts_with({column}, 'telemetry.')")
            self.assertEqual(self.env.cr.fetchone(), (0,), f"{table}.{column}")

    def test_a_parameter_that_has_its_new_name_already_gives_way(self):
        self.sql(
            "INSERT INTO ir_config_parameter (key, value) VALUES ('influencegen_telemetry.trial', 'kept'),"
            " ('odoo_telemetry.trial', 'default'), ('odoo_telemetry.other', 'own')"
        )
        former.take_over(self.env.cr)
        self.sql(
            "SELECT key, value FROM ir_config_parameter WHERE key LIKE '%%\\_telemetry.trial' OR value = 'own'"
            " ORDER BY key"
        )
        self.assertEqual(self.env.cr.fetchall(), [("odoo_telemetry.other", "own"), ("odoo_telemetry.trial", "kept")])

    def test_all_belongs_to_this_addon_again_except_what_the_former_one_keeps(self):
        former.take_over(self.env.cr)
        self.assertEqual(self.owned(), self.before)
        self.sql("SELECT name FROM ir_model_data WHERE module = %s", former.FORMER)
        self.assertEqual(self.env.cr.fetchall(), [(former.LEFT[0],)])

    def test_a_database_without_the_former_one_is_left_alone(self):
        former.take_over(self.env.cr)
        former.take_over(self.env.cr)
        self.assertEqual(self.owned(), self.before)


class TestOptions(BaseCase):
    def test_a_former_option_is_named_with_its_new_name(self):
        with self.assertLogs(former.__name__, "WARNING") as logged:
            former.warn_of_options({"influencegen_telemetry_dir": "/srv/metrics", "odoo_telemetry_json_logs": "True"})
        [line] = logged.output
        self.assertIn("influencegen_telemetry_dir is ignored: rename it to odoo_telemetry_dir", line)

    def test_present_options_are_taken_without_a_word(self):
        with self.assertNoLogs(former.__name__, "WARNING"):
            former.warn_of_options({"odoo_telemetry_dir": "/srv/metrics"})


class TestDirectory(BaseCase):
    def test_values_stay_where_the_former_addon_kept_them(self):
        with TemporaryDirectory() as folder:
            self.assertEqual(former.directory(folder), Path(folder) / "odoo_telemetry")
            (Path(folder) / "influencegen_telemetry").mkdir()
            self.assertEqual(former.directory(folder), Path(folder) / "influencegen_telemetry")
