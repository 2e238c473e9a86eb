from odoo.tests import TransactionCase, tagged

from ..odoo_hooks import orm_cache
from .hook_case import value

HITS, MISSES = "odoo_orm_cache_hits_total", "odoo_orm_cache_misses_total"


@tagged("post_install", "-at_install")
class TestOrmCache(TransactionCase):
    def test_hits_and_misses_are_added_once(self):
        self.env.registry.clear_cache()
        orm_cache.flush()
        hits, misses = value(HITS), value(MISSES)
        for _ in range(10):
            self.env["ir.model.data"]._xmlid_lookup("base.group_user")
        orm_cache.flush()
        self.assertEqual((value(HITS), value(MISSES)), (hits + 9, misses + 1))
        orm_cache.flush()
        self.assertEqual((value(HITS), value(MISSES)), (hits + 9, misses + 1))
