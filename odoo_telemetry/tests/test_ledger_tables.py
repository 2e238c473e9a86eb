from odoo.tests import TransactionCase, tagged

from ..facts.rollup import TABLES


@tagged("post_install", "-at_install")
class TestLedgerTables(TransactionCase):
    def test_all_tables_of_telemetry_belong_to_a_model(self):
        self.env.cr.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND starts_with(relname, 'telemetry_')")
        tables = {table for (table,) in self.env.cr.fetchall()}
        self.assertLessEqual(set(TABLES), tables)
        reflected = self.env["ir.model"].search([("model", "in", list(self.registry))])
        self.assertLessEqual(tables, {self.env[model.model]._table for model in reflected})
