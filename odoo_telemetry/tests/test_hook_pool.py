from unittest.mock import patch

from odoo import sql_db
from odoo.tests import BaseCase
from odoo.tests.common import get_db_name

from ..odoo_hooks import pool
from .hook_case import value

EXHAUSTED = "odoo_connection_pool_exhausted_total"


class TestPool(BaseCase):
    def own_pool(self, limit, readonly=False):
        """Put a pool of ``limit`` connections in the place of this process's, and return it."""
        own = sql_db.ConnectionPool(limit, readonly=readonly)
        self.addCleanup(own.close_all)
        self.startPatcher(patch.object(sql_db, "_Pool_readonly" if readonly else "_Pool", own))
        return own

    def shown(self, name, kind="read_write"):
        pool.show()
        return value(f"odoo_connection_pool_{name}", (kind,))

    def test_connections_in_use_and_idle(self):
        own = self.own_pool(4)
        info = sql_db.connection_info_for(get_db_name())[1]
        borrowed = [own.borrow(info) for _ in range(3)]
        self.assertEqual([self.shown(name) for name in ("used", "idle", "limit")], [3, 0, 4])
        own.give_back(borrowed[0])
        self.assertEqual([self.shown(name) for name in ("used", "idle", "limit")], [2, 1, 4])
        self.assertEqual(self.shown("utilization_percent"), 50)

    def test_an_exhausted_pool_is_counted(self):
        for readonly, kind in ((False, "read_write"), (True, "read_only")):
            own = self.own_pool(1, readonly)
            info, before = sql_db.connection_info_for(get_db_name())[1], value(EXHAUSTED, (kind,))
            own.borrow(info)
            self.assertEqual(value(EXHAUSTED, (kind,)), before)
            with self.assertRaises(sql_db.PoolError):
                own.borrow(info)
            self.assertEqual(value(EXHAUSTED, (kind,)), before + 1)

    def test_uninstall_restores_odoo(self):
        measured = sql_db.ConnectionPool.borrow
        pool.uninstall()
        try:
            self.assertIs(sql_db.ConnectionPool.borrow, measured.__wrapped__)
        finally:
            pool.install()
