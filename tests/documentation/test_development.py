"""The table of packages in docs/development.md against the imports of the code."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "development.md").read_text().split("\n## Packages\n")[1].split("\n## ")[0]
IMPORTS = {
    package: set(re.findall(r"`([\w/.]+)`", listed))
    for package, listed in re.findall(r"^\| `([\w/.]+)` \| (.*?) \|", TABLE, re.MULTILINE)
}
MODULES = [
    path.relative_to(ROOT)
    for top in sorted({package.split("/")[0] for package in IMPORTS})
    for path in sorted((ROOT / top).rglob("*.py"))
    if "tests" not in path.parts
]


def package(path):
    """The package of the table that a path (with slashes) belongs to, or None if it is not the project's."""
    known = [name for name in IMPORTS if f"{path}/".startswith(f"{name.removesuffix('.py')}/")]
    return max(known, key=len, default=None)


def imported(path):
    """Yield what a module imports, as paths with slashes."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = path.parts[: len(path.parts) - node.level] if node.level else ()
            names = [".".join(filter(None, (*above, node.module, alias.name))) for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("odoo.addons.").replace(".", "/") for name in names)


def test_each_import_is_in_the_table():
    offending = {
        f"{path} imports {name}"
        for path in MODULES
        for name in imported(path)
        if (found := package(name)) and found != (own := package(path.with_suffix(""))) and found not in IMPORTS[own]
    }
    assert offending == set()


def test_each_module_is_of_a_package_of_the_table():
    assert [path for path in MODULES if package(path.with_suffix("")) is None] == []


def test_imports_go_one_way():
    above = set()
    for name, listed in IMPORTS.items():
        assert listed <= above, name
        above.add(name)


def test_what_does_not_need_odoo_does_not_import_it():
    pure = [
        path for path in MODULES if not package(path.with_suffix("")).startswith(("influencegen", "odoo_telemetry"))
    ]
    pure += [path for path in MODULES if path.parts[1] in ("metrics", "business")]
    offending = {
        f"{path} imports {name}"
        for path in pure
        for name in imported(path)
        if name.split("/")[0] == "odoo" and path.name != "odoo_bin.py"
    }
    assert offending == set()
