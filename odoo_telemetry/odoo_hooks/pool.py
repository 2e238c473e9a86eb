"""The connection pools of each process: connections in use and idle, and how often a pool had none left."""

import functools

from ..metrics import store
from ..metrics.catalogue import (
    CONNECTION_POOL_EXHAUSTED,
    CONNECTION_POOL_IDLE,
    CONNECTION_POOL_LIMIT,
    CONNECTION_POOL_USED,
    CONNECTION_POOL_UTILIZATION,
    CONNECTION_POOLS,
)
from .patch import Patch
from .probe import find

READ_WRITE, READ_ONLY = CONNECTION_POOLS


def pools():
    """Yield (name, number of connections in use, number of idle ones, limit) of each pool of this process."""
    for name, place in {READ_WRITE: "odoo.sql_db:_Pool", READ_ONLY: "odoo.sql_db:_Pool_readonly"}.items():
        pool = find(place)
        if pool is not None:
            used = [_is_used(connection) for connection in list(pool._connections)]
            yield name, sum(used), len(used) - sum(used), pool._maxconn


def _is_used(connection):
    # in 18.0 an entry is [connection, whether it is used, when it was used last]
    return bool(connection[1] if isinstance(connection, list) else connection._pool_in_use)


def show():
    """Show what the pools of this process are now."""
    for name, used, idle, limit in pools():
        CONNECTION_POOL_USED.set(used, pool=name)
        CONNECTION_POOL_IDLE.set(idle, pool=name)
        CONNECTION_POOL_LIMIT.set(limit, pool=name)
        CONNECTION_POOL_UTILIZATION.set(100 * used / limit, pool=name)


def _counted(borrow):
    refused = find("odoo.sql_db:PoolError")

    @functools.wraps(borrow)
    def counted_borrow(self, connection_info):
        try:
            return borrow(self, connection_info)
        except refused:
            CONNECTION_POOL_EXHAUSTED.inc(pool=READ_ONLY if self.readonly else READ_WRITE)
            raise

    return counted_borrow


_PATCH = Patch("odoo.sql_db:ConnectionPool.borrow", _counted)


def install():
    """Measure the pools of this process."""
    for name in ("_Pool", "_Pool_readonly"):
        find(f"odoo.sql_db:{name}")
    _PATCH.install()
    store.heartbeat.add(show)


def uninstall():
    """Stop measuring connection pools."""
    _PATCH.uninstall()
    store.heartbeat.remove(show)
