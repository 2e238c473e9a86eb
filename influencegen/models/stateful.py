from datetime import UTC, datetime

from odoo import api, models
from odoo.exceptions import UserError


def utcnow():
    """Return the present moment in UTC, naive as the ORM wants it, with its microseconds."""
    return datetime.now(UTC).replace(tzinfo=None)


class Stateful(models.AbstractModel):
    """A record whose `state` moves along declared paths only, and through one method only.

    The model that inherits this declares the field `state`, and `_transitions`: for each state the states that may
    follow it. The first key is the default of the field: every record is created in it.
    """

    _name = "influencegen.stateful"
    _description = "Record with a guarded state"
    _inherit = ["influencegen.guarded"]

    _transitions = {}

    @api.model
    def _guarded_fields(self):
        return super()._guarded_fields() | {"state"}

    @api.model_create_multi
    def create(self, vals_list):
        initial = next(iter(self._transitions))
        if any(vals.get("state", initial) != initial for vals in vals_list):
            raise UserError(self.env._("A new record of “%s” must be in its initial state.", self._label()))
        return super().create([{name: vals[name] for name in vals if name != "state"} for vals in vals_list])

    def _transition(self, state, **values):
        """Move all records of this set to `state`, and write `values` with it, in one write.

        Raises UserError, and moves none, if one of them may not go there.
        """
        labels = dict(self._fields["state"]._description_selection(self.env))
        for record in self:
            if state not in self._transitions.get(record.state, ()):
                raise UserError(
                    self.env._(
                        "%(record)s can't go from “%(origin)s” to “%(target)s”.",
                        record=record.display_name,
                        origin=labels.get(record.state, record.state),
                        target=labels.get(state, state),
                    )
                )
        self._as_system().write({"state": state, **values})
