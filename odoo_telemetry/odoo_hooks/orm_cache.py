"""Hits and misses of Odoo's ORM cache, from the counters that Odoo keeps itself."""

import os

from ..compat import orm_cache_counters
from ..metrics import store
from ..metrics.catalogue import ORM_CACHE_HITS, ORM_CACHE_MISSES

_flushed = (0, 0)


def _totals():
    counters = orm_cache_counters()
    return sum(counter.hit for counter in counters), sum(counter.miss for counter in counters)


def _begin():
    global _flushed
    _flushed = _totals()


def flush():
    """Add what was counted since the last time."""
    global _flushed
    before, _flushed = _flushed, _totals()
    for counter, now, then in zip((ORM_CACHE_HITS, ORM_CACHE_MISSES), _flushed, before, strict=True):
        counter.inc(max(now - then, 0))


os.register_at_fork(after_in_child=_begin)


def install():
    """Count from now on."""
    _begin()
    store.heartbeat.add(flush)


def uninstall():
    """Count no more."""
    store.heartbeat.remove(flush)
