"""What differs between Odoo 18.0 and 19.0, and nothing else."""

from odoo import release
from odoo.tools import cache, config

#: Name of the field of `res.users` that holds the user's groups, implied ones included.
ALL_GROUPS = "all_group_ids" if release.version_info >= (19,) else "groups_id"


def server_wide_modules():
    """Return the names (list of str) of the modules that are served without a database."""
    if release.version_info >= (19,):
        return config["server_wide_modules"]
    from odoo import conf

    return conf.server_wide_modules


def peek(lru, key):
    """Return what an ``odoo.tools.lru.LRU`` has for ``key``, or None; to look does not count as use."""
    return _content(lru).get(key)


def snapshot(lru):
    """Return {key: value} of an ``odoo.tools.lru.LRU`` as it is now; to look does not count as use."""
    with lru._lock:
        return dict(_content(lru).items())


def _content(lru):
    return lru.d if hasattr(lru, "d") else lru._values


def orm_cache_counters():
    """Return a list of the ORM cache's counters in this process; each has the numbers ``hit`` and ``miss``."""
    counters = cache.STAT if hasattr(cache, "STAT") else cache._COUNTERS
    # requests of other threads add to it
    return list(counters.copy().values())
