"""What differs between Odoo 18.0 and 19.0, and what the addon takes of Odoo's internals; nothing else.

What odoo_telemetry needs too is duplicated there, because neither addon depends on the other.
"""

from odoo import models, release

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


#: Name of the field of `res.users` that holds the user's groups.
USER_GROUPS = "group_ids" if release.version_info >= (19,) else "groups_id"


def wsgi_request(httprequest):
    """Return the `werkzeug.wrappers.Request` in Odoo's request, which hides its body and its WSGI environment."""
    return httprequest._HTTPRequest__wrapped


def show_group(group, heading, category):
    """Offer `group` on the form of a user, among those of the module category; 19.0 puts each under a `heading`."""
    if "privilege_id" not in group._fields:
        group.category_id = category
        return
    [xml_id] = group.get_external_id().values()
    group.privilege_id = group.env["res.groups.privilege"]._load_records(
        [
            {
                "xml_id": xml_id.replace("group_", "privilege_"),
                "values": {"name": heading, "category_id": category.id},
                "noupdate": True,
            }
        ]
    )
