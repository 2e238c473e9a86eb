import os
import re

import pytest

from stack.layout import PROJECT, Layout
from stack.provide import wheels

from .plain import PlainOdoo

COMMANDS = re.compile(r"^## In any Odoo\n.*?^```\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """The folder of the addons' wheels."""
    folder = tmp_path_factory.mktemp("wheels") / "dist"
    wheels.build(PROJECT, folder)
    return folder


@pytest.fixture(scope="session")
def plain(dist):
    """A plain Odoo, beside the folder of the wheels."""
    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the PostgreSQL that `make test` prepares")
    plain = PlainOdoo(Layout.from_environment(), dist.parent)
    yield plain
    plain.drop_database()


@pytest.fixture(scope="session")
def answer(plain):
    """What the last one of README's commands prints, after all others in a plain Odoo."""
    [commands] = COMMANDS.findall((PROJECT / "README.md").read_text())
    commands = commands.replace("18.0", plain.source.series).replace("http://127.0.0.1:8069", plain.url)
    *commands, scrape = commands.splitlines()
    for command in commands:
        plain.run(command)
    with plain.serving():
        return plain.run(scrape)
