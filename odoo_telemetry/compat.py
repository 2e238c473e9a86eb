"""What differs between Odoo 18.0 and 19.0, and what the addon takes of Odoo's internals; nothing else.

What influencegen/compat.py has too is the same there: neither addon depends on the other.
"""

from odoo import models, release
from odoo.tools import cache, config

#: Name of the field of `res.users` that holds the user's groups, implied ones included.
ALL_GROUPS = "all_group_ids" if release.version_info >= (19,) else "groups_id"

#: Name of the field of `res.users` that holds the groups that were given to the user.
USER_GROUPS = "group_ids" if release.version_info >= (19,) else "groups_id"

if hasattr(models, "Constraint"):
    Constraint = models.Constraint
else:

    class Constraint:
        """Odoo 19's `models.Constraint` on Odoo 18: `_name = Constraint(definition, message)` in a model's body."""

        def __init__(self, definition, message=""):
            self.definition = definition
            self.message = message

        def __set_name__(self, owner, name):
            constraints = owner.__dict__.get("_sql_constraints", [])
            owner._sql_constraints = [*constraints, (name.removeprefix("_"), self.definition, self.message)]


def wsgi_request(httprequest):
    """Return the `werkzeug.wrappers.Request` in Odoo's request, which hides its body and its WSGI environment."""
    return httprequest._HTTPRequest__wrapped


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
