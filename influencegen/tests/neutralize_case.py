"""What the tests of the addons' neutralization share."""

import ast
from pathlib import Path

from odoo.modules.module import get_module_path
from odoo.modules.neutralize import neutralize_database

_NAMED_AT = {"get_param": 0, "set_param": 0, "_parameter": 0, "_get": 0, "_set": 0, "_address": 1}
"""Which argument of the functions that read and write parameters is the name."""


class Neutralized:
    """Mixin for Odoo's test cases: the test's database, neutralized as Odoo does it to a copy."""

    def neutralize(self):
        """Neutralize the database until the test ends."""
        self.env.flush_all()
        neutralize_database(self.env.cr)
        self.env.invalidate_all()
        self.env.registry.clear_all_caches()
        self.addCleanup(self.env.registry.clear_all_caches)

    def parameters_of(self, addon):
        """Return the set of all parameters of an addon: those in its settings, in the database, and in its code."""
        fields = self.env["res.config.settings"]._fields.values()
        known = {getattr(field, "config_parameter", None) for field in fields}
        known |= set(self.env["ir.config_parameter"].search([]).mapped("key"))
        for path in Path(get_module_path(addon)).glob("*/*.py"):
            if path.parent.name != "tests":
                known |= {f"{addon}.{name.removeprefix(f'{addon}.')}" for name in _named(path)}
        return {key for key in known if key and key.startswith(f"{addon}.")}

    def assertNeutralized(self, addon, harmless):
        """Check that neutralization changes each parameter of ``addon`` except the ``harmless`` ones."""
        parameters = self.env["ir.config_parameter"]
        dangerous = self.parameters_of(addon) - {f"{addon}.{name}" for name in harmless}
        for key in dangerous:
            parameters.set_param(key, "production's")
        self.neutralize()
        self.assertEqual({key for key in dangerous if parameters.get_param(key) == "production's"}, set())
        self.assertTrue(dangerous)


def _named(path):
    """Yield the names of parameters that are written out in a file's code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        at = _NAMED_AT.get(getattr(node.func, "attr", None))
        if at is not None and len(node.args) > at:
            argument = node.args[at]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value
