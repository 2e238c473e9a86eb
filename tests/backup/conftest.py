import os

import pytest

from stack import backup, postgres, prometheus
from stack.layout import Layout

from . import nasty
from .business import SCHEMA, Business
from .exporter import Exporter

DATABASE = "backup_test"


def administer(layout, statement, database="postgres"):
    """Execute a statement as a superuser."""
    return postgres.execute(layout, statement, database=database, role=postgres.ADMIN)


@pytest.fixture(scope="session")
def layout():
    """The layout of the PostgreSQL that is there for tests."""
    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the PostgreSQL that `make test` prepares")
    return Layout.from_environment()


@pytest.fixture
def new_database(layout):
    """Function new_database(name): make an empty database, which is dropped after the test."""
    made = []

    def make(name):
        drop(name)
        postgres.execute(layout, f'CREATE DATABASE "{name}"')
        made.append(name)
        return postgres.dsn(layout, name)

    def drop(name):
        postgres.execute(layout, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    yield make
    for name in made:
        drop(name)


@pytest.fixture
def nasty_database(layout, make_nasty):
    """The name of a database with all that a dump leaves out, and that stands in a restore's way."""
    name = "backup_test_nasty"
    administer(layout, nasty.CREATION.format(name=name))
    make_nasty(name, nasty.PROPERTIES + nasty.OBSTACLES)
    return name


@pytest.fixture
def make_nasty(layout):
    """Function make_nasty(name, properties): give a database all of that, until the test has ended.

    make_nasty.drop_later(name): drop that one then, too.
    """
    made = []

    def make(name, properties):
        made.append(name)
        administer(layout, nasty.SCHEMA.format(role=nasty.ROLE), name)
        for statement in properties.format(name=name, role=nasty.ROLE).splitlines():
            administer(layout, statement)

    administer(layout, f"CREATE ROLE {nasty.ROLE}")
    make.drop_later = made.append
    yield make
    for name in made:
        # a database with a subscription can't be dropped, and one with such settings not be written to
        administer(layout, f'ALTER DATABASE "{name}" RESET ALL')
        administer(layout, "DROP SUBSCRIPTION IF EXISTS feed", name)
        administer(layout, f'DROP DATABASE "{name}" WITH (FORCE)')
    administer(layout, f"DROP ROLE {nasty.ROLE}")


@pytest.fixture
def business(new_database, tmp_path):
    """A database with a filestore, and a few attachments in it."""
    filestore = tmp_path / "filestore"
    business = Business(new_database(DATABASE), filestore)
    business.execute(SCHEMA)
    for _number in range(10):
        business.attach()
    return business


@pytest.fixture
def environment(layout):
    """The variables of an exporter: those of the stack, and the password."""
    return {**backup.environment(layout), "PGPASSWORD": layout.secret(postgres.PASSWORDS[postgres.BACKUP])}


@pytest.fixture
def exporter(business, environment, tmp_path):
    """An exporter that backs the business up as `platform`."""
    platform = {"database": DATABASE, "filestore": str(business.filestore)}
    return Exporter(tmp_path, {"platform": platform}, environment)


@pytest.fixture(scope="session")
def promtool():
    """The path of promtool."""
    return prometheus.provide()["promtool"]
