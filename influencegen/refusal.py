"""Values of a form that are refused: which field each refusal is about, and how the form shows it."""

import dataclasses

from markupsafe import Markup


def about(name, error):
    """Return the exception `error`, marked as one about the field `name` of the form that was sent.

    It stays of its own class, because Odoo's web client chooses a dialog by the name of the class.
    """
    error.field = name
    return error


@dataclasses.dataclass
class Refusal:
    """A form that was refused, for the page that shows it again; without a `form` nothing was refused.

    `field` is empty if the refusal is about no field of the form in particular, `values` is what had been entered.
    """

    form: str = ""
    message: str = ""
    field: str = ""
    values: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, form, error, values):
        """Return the refusal of `form` for an exception of Odoo's, see `about`."""
        return cls(form, error.args[0], getattr(error, "field", ""), values)

    def attributes(self, form, name, css):
        """Return id, name and CSS class of an input as its HTML attributes; a refused one says so and has the focus."""
        identity = f"{form}_{name}"
        if not self._concerns(form, name):
            return {"id": identity, "name": name, "class": css}
        return {
            "id": identity,
            "name": name,
            "class": f"{css} is-invalid",
            "aria-invalid": "true",
            "aria-describedby": f"{identity}_error",
            "autofocus": "autofocus",
        }

    def explanation(self, form, name):
        """Return the element that says what is wrong with an input, or nothing."""
        if not self._concerns(form, name):
            return ""
        element = Markup('<div id="%s_%s_error" class="invalid-feedback d-block">%s</div>')
        return element % (form, name, self.message)

    def value(self, form, name):
        """Return what had been entered, or nothing."""
        return self.values.get(name) if form == self.form else None

    def _concerns(self, form, name):
        return (form, name) == (self.form, self.field)
