from odoo import api, models
from odoo.exceptions import AccessError

# Only code that holds this object may write what the system writes: a client can send a context key, not the object.
_SYSTEM = object()


class Guarded(models.AbstractModel):
    """A record with facts that no person writes, in any role, the superuser's included.

    The model that inherits this declares

    - `_system_fields`: names of the fields that only code writes, through `_as_system` or `_create_as_system`;
    - `_fixed_fields`: names of the fields that are given when a record is created, and not changed afterwards.
    """

    _name = "influencegen.guarded"
    _description = "Record with guarded fields"

    _system_fields = frozenset()
    _fixed_fields = frozenset()

    @api.model
    def default_get(self, fields):
        """Take defaults of what the system writes from the field alone: contexts and user defaults come from people."""
        guarded = self._guarded_fields().intersection(fields)
        values = super().default_get([name for name in fields if name not in guarded])
        for name in guarded:
            field = self._fields[name]
            if field.default:
                value = field.convert_to_cache(field.default(self), self, validate=False)
                values[name] = field.convert_to_write(value, self)
        return values

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_system():
            self._refuse(self._guarded_fields().intersection(set().union(*vals_list)))
        # who created a record, and when, is known without an entry in the chatter
        return super(Guarded, self.with_context(tracking_disable=True)).create(vals_list).with_env(self.env)

    def write(self, vals):
        if self._is_system():
            return super().write(vals)
        self._refuse((self._guarded_fields() | self._fixed_fields).intersection(vals))
        if not self.env.su:
            # a client can't switch the chatter off
            self = self.with_context(tracking_disable=False, mail_notrack=False)
        return super().write(vals)

    @api.model
    def _guarded_fields(self):
        """Return the set of names of the fields that only code writes."""
        return self._system_fields

    @api.model
    def _refuse(self, names):
        """Raise AccessError if there are `names` (a set of field names)."""
        if names:
            labels = [self._fields[name]._description_string(self.env) for name in sorted(names)]
            raise AccessError(
                self.env._(
                    "%(model)s: %(fields)s can't be changed directly.", model=self._label(), fields=", ".join(labels)
                )
            )

    def _as_system(self):
        """Return these records for code that owns what it writes; the chatter tracks users, not the superuser."""
        return self.with_context(influencegen_system=_SYSTEM, tracking_disable=self.env.su, mail_notrack=False)

    @api.model
    def _create_as_system(self, vals_list):
        """Create records (of a list of dicts, or a dict) for code that owns what it writes, and return them."""
        return self._as_system().create(vals_list).with_env(self.env)

    @api.model
    def _is_system(self):
        """Return whether these records are for code that owns what it writes."""
        return self.env.context.get("influencegen_system") is _SYSTEM

    @api.model
    def _label(self):
        """Return the name of the model in the user's language."""
        return self.env["ir.model"]._get(self._name).name
