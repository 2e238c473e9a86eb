"""The role of a user, from what Odoo has in its caches already: telemetry sends no statement of its own for it.

Which groups make which role is read when a database's registry is loaded; a user's groups are what Odoo's own cache
holds of them at the time.
"""

from odoo import SUPERUSER_ID

from ..compat import ALL_GROUPS
from ..metrics.catalogue import ROLES
from . import caches
from .skipped import skip

PUBLIC, UNKNOWN = "public", "unknown"

_REMEMBERED = 100_000


class DatabaseRoles:
    """The roles of one database's users.

    :param env: any environment of the database
    """

    def __init__(self, env):
        xmlid_to_id = env["ir.model.data"]._xmlid_to_res_id
        self._groups = [(group, role) for role, xmlid in ROLES if (group := xmlid_to_id(xmlid))]
        self._cached_groups = _cached_groups(env.registry)
        # anonymous requests may come before Odoo has read the groups of the user that stands for them
        env.cr.execute("SELECT uid FROM res_groups_users_rel WHERE gid = %s", [xmlid_to_id("base.group_public")])
        self._known = {uid: (None, PUBLIC) for (uid,) in env.cr.fetchall()}

    def role(self, uid):
        """Return the role of the user ``uid`` (int), as it was last known; UNKNOWN if it never was."""
        groups, role = self._known.get(uid, (None, UNKNOWN))
        cached = self._cached_groups(uid)
        if cached is None or cached is groups:
            return role
        role = next((role for group, role in self._groups if group in cached), UNKNOWN)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[uid] = cached, role
        return role

    def count(self, users):
        """Return {role: how many of ``users`` (res.users) have it}, read from the database."""
        counts = {}
        for group, role in self._groups:
            found = users.search([("id", "in", users.ids), (ALL_GROUPS, "in", group)])
            counts[role] = counts.get(role, 0) + len(found)
            users -= found
        return counts


def _cached_groups(registry):
    """Return a function of a user's id (int) that returns the user's groups as Odoo's cache has them, or None."""
    try:
        method = registry["res.users"]._get_group_ids.__cache__.method
        cache = caches.of_registry(registry)
        caches.peek(cache(), None)
    except (AttributeError, KeyError, TypeError) as error:
        skip("roles", error)
        return lambda _uid: None
    return lambda uid: caches.peek(cache(), ("res.users", method, uid))


def learn(env):
    """Take in a database's groups; to be called when its registry is loaded."""
    env.registry.telemetry_roles = DatabaseRoles(env)


def role(registry, uid):
    """Return the role of the user ``uid`` (int, or None for nobody) of ``registry`` (or None)."""
    if not uid:
        return PUBLIC
    if uid == SUPERUSER_ID:
        return "system"
    known = getattr(registry, "telemetry_roles", None)
    return known.role(uid) if known else UNKNOWN
