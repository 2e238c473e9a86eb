from types import SimpleNamespace

from odoo.tests import BaseCase

from ..facts import triggers
from ..metrics.metric import Rows

LONG = "x_a_table_whose_name_is_as_long_as_postgresql_lets_it_be_"


class TestNames(BaseCase):
    """PostgreSQL truncates identifiers to 63 bytes, so names that begin alike would become the same."""

    def setUp(self):
        super().setUp()
        self.facts = [
            SimpleNamespace(name=f"{model}_total", rows=(Rows(model, at=("create_date",)),))
            for model in ("short", f"{LONG}one", f"{LONG}two")
        ]

    def check(self, names, short):
        self.assertEqual(len(set(names)), 3)
        self.assertIn(short, names)
        self.assertEqual([name for name in names if len(name) > 63], [])

    def test_each_table_has_a_function(self):
        found = triggers.triggers(self.facts, lambda model, _column="": model)
        self.check([trigger.function for trigger in found], f"{triggers.FUNCTION}short")

    def test_each_table_has_an_index(self):
        found = triggers.indexes(self.facts, lambda model, _column="": model)
        self.check(list(found), "telemetry_at_short_create_date")
