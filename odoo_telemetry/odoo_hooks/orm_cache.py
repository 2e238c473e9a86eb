"""Hits and misses of Odoo's ORM cache, from the counters that Odoo keeps itself."""

import contextlib
import os

from ..metrics import store
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
    for name, now, then in zip(("hits", "misses"), _flushed, before, strict=True):
        store.inc(f"odoo_orm_cache_{name}_total", (), max(now - then, 0))


def _after_fork():
    with contextlib.suppress(UnsupportedOdooError):
        _begin()


os.register_at_fork(after_in_child=_after_fork)


def install():
    """Count from now on."""
    _begin()
    store.on_heartbeat(flush)


def uninstall():
    """Count no more."""
    store.off_heartbeat(flush)
