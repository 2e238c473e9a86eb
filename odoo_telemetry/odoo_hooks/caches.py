"""Read access to Odoo's caches that does not count as use."""

from .probe import find

_COUNTERS = "odoo.orm.cache:_COUNTERS", "odoo.tools.cache:_COUNTERS", "odoo.tools.cache:STAT"


def peek(lru, key):
    """Return what an ``odoo.tools.lru.LRU`` has for ``key``, or None, without marking it as recently used."""
    return _content(lru).get(key)


def snapshot(lru):
    """Return {key: value} of an ``odoo.tools.lru.LRU`` as it is now, without marking anything as recently used."""
    with lru._lock:
        return dict(_content(lru).items())


def _content(lru):
    return lru.d if hasattr(lru, "d") else lru._values


def of_registry(registry):
    """Return a function that returns the ORM cache ``default`` (LRU) of ``registry`` as it is then."""
    if hasattr(registry, "registry_caches__"):
        # 20.0 replaces (sequence number, cache) when a transaction that invalidates it is committed
        return lambda: registry.registry_caches__["default"][1]
    cache = registry._Registry__caches["default"]
    return lambda: cache


def counters():
    """Return {key: counter} of the ORM cache in this process; each counter has the numbers ``hit`` and ``miss``.

    :raises UnsupportedOdooError: when this Odoo has none
    """
    return find(*_COUNTERS)
