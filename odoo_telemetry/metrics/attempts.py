"""Attempts: counted at once, whether or not they succeed, and once however often Odoo repeats the request.

Odoo runs a request's code again after a serialization failure, and a read-only one again with a read/write cursor.
``odoo_hooks/retries.py`` opens a :class:`Scope` for each request; within it the n-th attempt of a repetition is
the n-th attempt of the first run, and is not counted again.
"""

import collections
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .instruments import Counter


class Scope:
    """The attempts of one request."""

    def __init__(self) -> None:
        self._counted: collections.Counter[Hashable] = collections.Counter()
        self._seen: collections.Counter[Hashable] = collections.Counter()

    def restart(self) -> None:
        """Note that the request's code runs from its beginning."""
        self._seen.clear()

    def is_new(self, key: Hashable) -> bool:
        """Note an attempt; return whether it is one that no earlier run made."""
        self._seen[key] += 1
        if self._seen[key] <= self._counted[key]:
            return False
        self._counted[key] += 1
        return True


_scope: ContextVar[Scope | None] = ContextVar("odoo_telemetry.attempts", default=None)


@contextmanager
def scope(owner: Scope | None) -> Iterator[None]:
    """Make attempts within the block belong to ``owner``: a :class:`Scope`, or None outside a request."""
    reset = _scope.set(owner)
    try:
        yield
    finally:
        _scope.reset(reset)


def count(counter: Counter, /, *, database: str | None = None, **labels: Hashable) -> None:
    """Count an attempt now; parameters as of :class:`.instruments.Increment`."""
    current = _scope.get()
    if current is None or current.is_new((counter.name, database, *sorted(labels.items()))):
        counter.inc(database=database, **labels)
