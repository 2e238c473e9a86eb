"""What differs between Odoo 18.0 and 19.0, and nothing else."""

from odoo import release
from odoo.tools import cache

#: Name of the field of `res.users` that holds the user's groups, implied ones included.
ALL_GROUPS = "all_group_ids" if release.version_info >= (19,) else "groups_id"


def orm_cache_counters():
    """Return a list of the ORM cache's counters in this process; each has the numbers ``hit`` and ``miss``."""
    counters = cache.STAT if hasattr(cache, "STAT") else cache._COUNTERS
    return list(counters.values())
