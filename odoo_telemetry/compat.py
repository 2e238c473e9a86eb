"""What differs between Odoo 18.0 and 19.0 in fields and models; what differs in internals is in ``odoo_hooks``.

What influencegen needs too is duplicated in influencegen/compat.py, because neither addon depends on the other.
"""

from odoo import models, release

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
