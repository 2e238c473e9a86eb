"""Values of a form that are refused: which field each refusal is about, and how the form shows it."""

import dataclasses

from markupsafe import Markup

from odoo.exceptions import ValidationError

SHOWN = 60  # characters of a value in a message


def about(name, error):
    """Return the exception `error`, marked as one about the field `name` of the form that was sent.

    It stays of its own class, because Odoo's web client chooses a dialog by the name of the class.
    """
    error.fields = {name: error.args[0]}
    return error


def together(errors):
    """Return a ValidationError about all fields of `errors` ({name: message}), in this order."""
    error = ValidationError("\n".join(errors.values()))
    error.fields = errors
    return error


def shown(value):
    """Return the text `value` as a message repeats it: in one line, and not longer than `SHOWN`."""
    line = " ".join(value.split())
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


@dataclasses.dataclass
class Refusal:
    """A form that was refused, for the page that shows it again; without a `form` nothing was refused.

    `fields` has the message about each field that was refused, and is empty if the refusal is about no field in
    particular. `values` is what had been entered.
    """

    form: str = ""
    message: str = ""
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    values: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, form, error, values):
        """Return the refusal of `form` for an exception of Odoo's, see `about`."""
        return cls(form, error.args[0], getattr(error, "fields", {}), values)

    def attributes(self, form, field, css, name=None):
        """Return the HTML attributes of an input (dict); a refused one is marked, and the first of these has the focus.

        :param name: name under which the input is sent, if it isn't that of the field
        """
        identity = f"{form}_{field}"
        attributes = {"id": identity, "name": name or field, "class": css}
        if not self._message(form, field):
            return attributes
        return {
            **attributes,
            "class": f"{css} is-invalid",
            "aria-invalid": "true",
            "aria-describedby": f"{identity}_error",
            "autofocus": "autofocus" if field == next(iter(self.fields)) else None,
        }

    def explanation(self, form, field):
        """Return the element that explains why an input was refused, or nothing."""
        message = self._message(form, field)
        if not message:
            return ""
        return Markup('<div id="%s_%s_error" class="invalid-feedback d-block">%s</div>') % (form, field, message)

    def value(self, form, field):
        """Return what had been entered, or nothing."""
        return self.values.get(field) if form == self.form else None

    def _message(self, form, field):
        return self.fields.get(field) if form == self.form else None
