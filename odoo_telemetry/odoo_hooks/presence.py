"""Concurrent users: distinct users seen lately, by role, over all workers of the instance."""

from urllib.parse import quote

from ..metrics import clock, collectors, store
from ..metrics.catalogue import CONCURRENT_USERS, ROLE
from ..metrics.presence import Presence

_RETRY_SECONDS = 10

_tables = {}
_retry_at = 0


def _table(database):
    if database not in _tables and database in store.databases.settings():
        _tables[database] = Presence(store.directory.path / f"presence-{quote(database, safe='')}", ROLE.values)
    return _tables.get(database)


def touch(database, uid, role):
    """Record that the user ``uid`` of ``database``, who has ``role``, was seen now."""
    global _retry_at
    now = int(clock.now())
    if now < _retry_at:
        return
    try:
        table = _table(database)
        if table:
            table.touch(uid, role, now)
    except Exception as exception:
        _retry_at = now + _RETRY_SECONDS
        store.errors.count("presence", "a user's presence was not noted: %s", exception)


def _restore_lost():
    for database, table in list(_tables.items()):
        if table.lost():
            del _tables[database]
            restored = _table(database)
            if restored:
                restored.advance(table)


def users(database):
    """Yield the number of distinct users of ``database`` seen within its window, by role."""
    if database is None:
        return
    now = int(clock.now())
    since = max(now - store.databases.settings()[database].presence_seconds, 1)
    for role, count in _table(database).count(since, now).items():
        yield CONCURRENT_USERS.sample(count, user_role=role)


def install():
    """Measure concurrent users."""
    store.heartbeat.add(_restore_lost)
    collectors.add(users, group="system")


def uninstall():
    """Stop noting users."""
    store.heartbeat.remove(_restore_lost)
    collectors.remove(users)
    _tables.clear()
