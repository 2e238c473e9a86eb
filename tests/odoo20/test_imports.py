"""What hooks import of Odoo: no more than every version has in the same place, so that they can always be imported."""

import ast
from pathlib import Path

import odoo_telemetry

HOOKS = Path(odoo_telemetry.__file__).parent / "odoo_hooks"
EVERYWHERE = {
    "odoo", "odoo.SUPERUSER_ID", "odoo.exceptions.AccessDenied", "odoo.http", "odoo.release", "odoo.sql_db",
    "odoo.modules.registry.Registry", "odoo.tools.config", "odoo.tools.SQL",
}  # fmt: skip


def imported(path):
    """Yield the full names that the module at ``path`` imports of Odoo when it is imported itself."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "odoo")
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] == "odoo":
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_only_what_is_everywhere_is_imported():
    found = {(path.name, name) for path in HOOKS.glob("*.py") for name in imported(path)}
    assert {(module, name) for module, name in found if name not in EVERYWHERE} == set()


def test_versions_are_looked_at_nowhere_else():
    """In ``compat.py`` it is about fields and models; all else that differs is in the hooks."""
    addon = HOOKS.parent
    looking = {
        str(path.relative_to(addon))
        for path in addon.rglob("*.py")
        if "version_info" in path.read_text() and path.relative_to(addon).parts[0] not in ("odoo_hooks", "tests")
    }
    assert looking == {"compat.py"}
