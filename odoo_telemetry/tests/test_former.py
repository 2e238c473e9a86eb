from odoo.tests import TransactionCase, tagged

from .. import former


@tagged("post_install", "-at_install")
class TestTakeOver(TransactionCase):
    """The records of this addon become those of the former one again, as they were before it was split."""

    def setUp(self):
        super().setUp()
        self.env.flush_all()
        self.env.cr.execute(
            "INSERT INTO ir_module_module (name, state) VALUES (%s, 'installed') ON CONFLICT DO NOTHING",
            [former.FORMER],
        )
        self.before = self.owned()
        self.env.cr.execute("DELETE FROM ir_model_data WHERE module = %s", [former.FORMER])
        self.env.cr.execute(
            "UPDATE ir_model_data SET module = %s WHERE module = %s", [former.FORMER, former.NAME]
        )
        self.env.cr.execute(
            "INSERT INTO ir_model_data (module, name, model, res_id) VALUES (%s, %s, 'ir.ui.view', 1)",
            [former.FORMER, former.LEFT[0]],
        )
        for table in ("ir_model_constraint", "ir_model_relation"):
            self.env.cr.execute(
                f"UPDATE {table} SET module = (SELECT id FROM ir_module_module WHERE name = %s)"
                " WHERE module = (SELECT id FROM ir_module_module WHERE name = %s)", [former.FORMER, former.NAME],
            )
        self.assertFalse(any(self.owned().values()))

    def owned(self):
        """Return {table: set of what belongs to this addon}."""
        queries = {
            "ir_model_data": "SELECT name, model, res_id, noupdate FROM ir_model_data WHERE module = %s",
            "ir_model_constraint": "SELECT c.name, model, type, NULL FROM ir_model_constraint c JOIN ir_module_module m"
                                   " ON m.id = c.module WHERE m.name = %s",
            "ir_model_relation": "SELECT r.name, model, NULL, NULL FROM ir_model_relation r JOIN ir_module_module m"
                                 " ON m.id = r.module WHERE m.name = %s",
        }
        found = {}
        for table, query in queries.items():
            self.env.cr.execute(query, [former.NAME])
            found[table] = set(self.env.cr.fetchall())
        return found

    def test_all_is_this_addon_s_again_but_what_is_the_platform_s(self):
        former.take_over(self.env.cr)
        self.assertEqual(self.owned(), self.before)
        self.env.cr.execute("SELECT name FROM ir_model_data WHERE module = %s", [former.FORMER])
        self.assertEqual(self.env.cr.fetchall(), [(former.LEFT[0],)])

    def test_a_database_without_the_former_one_is_left_alone(self):
        former.take_over(self.env.cr)
        former.take_over(self.env.cr)
        self.assertEqual(self.owned(), self.before)
