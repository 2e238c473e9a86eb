"""Hits and misses of Odoo's ORM cache, from the counters that Odoo keeps itself."""

import contextlib
import os

from ..metrics import store
from ..metrics.catalogue import ORM_CACHE_HITS, ORM_CACHE_MISSES
from . import caches
from .probe import UnsupportedOdooError

_flushed = (0, 0)


def _totals():
    # requests of other threads add to it
    counters = list(caches.counters().copy().values())
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


def _after_fork():
    with contextlib.suppress(UnsupportedOdooError):
        _begin()


os.register_at_fork(after_in_child=_after_fork)


def install():
    """Count from now on."""
    _begin()
    store.heartbeat.add(flush)


def uninstall():
    """Stop counting hits and misses."""
    store.heartbeat.remove(flush)
