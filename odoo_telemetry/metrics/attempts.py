"""Attempts: counted at once, whether or not they succeed, and once however often Odoo repeats the request.

Odoo runs a request's code again after a serialization failure, and a read-only one again with a read/write cursor.
``odoo_hooks/retries.py`` opens a :class:`Scope` for each request; within it the n-th attempt of a repetition is
the n-th attempt of the first run, and is not counted again.
"""

from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar

from . import store

_scope = ContextVar("odoo_telemetry.attempts", default=None)


class Scope:
    """The attempts of one request."""

    def __init__(self):
        self._counted = Counter()
        self._seen = Counter()

    def restart(self):
        """Note that the request's code runs from its beginning."""
        self._seen.clear()

    def is_new(self, key):
        """Note an attempt; return whether it is one that no earlier run made."""
        self._seen[key] += 1
        if self._seen[key] <= self._counted[key]:
            return False
        self._counted[key] += 1
        return True


@contextmanager
def scope(owner):
    """Make attempts within the block belong to ``owner``: a :class:`Scope`, or None outside a request."""
    reset = _scope.set(owner)
    try:
        yield
    finally:
        _scope.reset(reset)


def count(name, labels=(), database=None):
    """Count an attempt now; parameters as for :func:`.store.inc`."""
    current = _scope.get()
    if current is None or current.is_new((name, labels, database)):
        store.inc(name, labels, 1.0, database)
