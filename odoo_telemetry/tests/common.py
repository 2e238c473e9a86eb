from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tests.common import BaseCase, get_db_name

from ..metrics import facts, store
from ..models import reading
from ..publication import publish_loaded


@tagged("post_install", "-at_install")
class RealTransactionCase(BaseCase):
    """Tests whose transactions are real ones: counters move only for what is truly committed.

    What a test committed is deleted after it.
    """

    def setUp(self):
        super().setUp()
        self.database = get_db_name()
        self.registry = Registry(self.database)
        publish_loaded()
        self._created = []
        self.addCleanup(self._delete_created)

    @contextmanager
    def cursor(self):
        """Yield a real cursor; committed at the end of the block, rolled back when it raises."""
        with db_connect(self.database).cursor() as cr:
            yield cr

    @contextmanager
    def environment(self):
        """Yield an environment on a real cursor of its own."""
        with self.cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def delete_later(self, records):
        """Delete ``records`` after the test; return them."""
        self._created.append((records._name, records.ids))
        return records

    def _delete_created(self):
        with self.cursor() as cr:
            for model, ids in reversed(self._created):
                cr.execute(f'DELETE FROM "{self.registry[model]._table}" WHERE id = ANY(%s)', [ids])

    def fact(self, name, labels=(), sample=""):
        """Return the value that a scrape shows of a metric of facts of this database now, 0 if there is none."""
        reading.refresh(self.database)
        return facts.values(self.database).get((name, self.database, tuple(map(str, labels)), sample), 0.0)

    def counted(self, name, labels=()):
        """Return the value of a counter of this database now, 0 if there is none."""
        return store.reader.values()[0].get((name, self.database, tuple(map(str, labels)), ""), 0.0)
