from datetime import UTC, datetime

from odoo import api, models
from odoo.exceptions import UserError

# Only code that holds this very object may write `state`: a client can send a context key, not its value.
_TRANSITION = object()


def utcnow():
    """Return the present moment in UTC, naive as the ORM wants it, with its microseconds."""
    return datetime.now(UTC).replace(tzinfo=None)


class Stateful(models.AbstractModel):
    """A record whose `state` moves along declared paths only, and through one method only.

    The model that inherits this declares the field `state`, and `_transitions`: for each state the states that may
    follow it. The first key is the state in which every record is created.
    """

    _name = "influencegen.stateful"
    _description = "Record with a guarded state"

    _transitions = {}

    @api.model_create_multi
    def create(self, vals_list):
        initial = next(iter(self._transitions))
        if any(vals.get("state", initial) != initial for vals in vals_list):
            raise UserError(self.env._("A new %s starts in its first state.", self._label()))
        return super().create([{**vals, "state": initial} for vals in vals_list])

    def write(self, vals):
        if "state" in vals and self.env.context.get("influencegen_transition") is not _TRANSITION:
            raise UserError(self.env._("The state of %s can't be written directly.", self._label()))
        return super().write(vals)

    def _label(self):
        """Return the name of the model in the user's language."""
        return self.env["ir.model"]._get(self._name).name

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
        self.with_context(influencegen_transition=_TRANSITION).write({"state": state, **values})
