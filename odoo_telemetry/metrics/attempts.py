"""Attempts: counted immediately, whether or not they succeed, and only once however often Odoo repeats the request.

Odoo runs a request's code again after a serialization failure, and a read-only one again with a read/write cursor.
``odoo_hooks/retries.py`` opens a :class:`Scope` for each request; within it, the n-th attempt of a retry is identified
with the n-th attempt of the first run, and not counted again. ``odoo_hooks/queue_job.py`` does the same for the runs of
a job, which may be in different processes.
"""

from collections.abc import Hashable, Iterable
from contextvars import ContextVar, Token

from .instruments import Counter


class Scope:
    """The attempts of one request, or of one job.

    :param counted: what :meth:`counted` of an earlier run returned
    """

    def __init__(self, counted: Iterable[tuple[Hashable, int]] = ()) -> None:
        # a dict is much faster to create than a collections.Counter, and each request creates both of these
        self._counted: dict[Hashable, int] = dict(counted) if counted else {}
        self._seen: dict[Hashable, int] = {}

    def counted(self) -> list[tuple[Hashable, int]]:
        """Return (key, number of attempts) of all that were counted so far, for a run in another process."""
        return list(self._counted.items())

    def restart(self) -> None:
        """Record that the request's code runs from its beginning."""
        self._seen.clear()

    def is_new(self, key: Hashable) -> bool:
        """Note an attempt; return whether it is one that no earlier run made."""
        self._seen[key] = seen = self._seen.get(key, 0) + 1
        if seen <= self._counted.get(key, 0):
            return False
        self._counted[key] = seen
        return True


_scope: ContextVar[Scope | None] = ContextVar("odoo_telemetry.attempts", default=None)


class scope:  # noqa: N801 -- used as a function
    """Make attempts within the block belong to ``owner``: a :class:`Scope`, or None outside a request."""

    __slots__ = ("_owner", "_reset")

    def __init__(self, owner: Scope | None) -> None:
        self._owner = owner

    def __enter__(self) -> None:
        self._reset: Token[Scope | None] = _scope.set(self._owner)

    def __exit__(self, *_raised: object) -> None:
        _scope.reset(self._reset)


def count(counter: Counter, /, *, database: str | None = None, **labels: Hashable) -> None:
    """Count an attempt now; parameters as of :class:`.instruments.Increment`."""
    current = _scope.get()
    if current is None or current.is_new((counter.name, database, *sorted(labels.items()))):
        counter.inc(database=database, **labels)
