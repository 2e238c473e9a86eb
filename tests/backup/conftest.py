import os
import subprocess

import pytest

from stack.layout import Layout
from stack.services import backup, postgres, prometheus

from . import nasty
from .business import SCHEMA, Business
from .exporter import Exporter

DATABASE = "backup_test"


def superuser(layout, database="postgres"):
    """What psycopg2.connect takes to reach a database as a superuser."""
    return postgres.dsn(layout, database, postgres.ADMIN)


def administer(layout, statement, database="postgres"):
    """Execute a statement as a superuser, and return its rows, if it has any."""
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
    """The name of a database with everything that a dump leaves out or that breaks a restore."""
    name = "backup_test_nasty"
    make_nasty(name, nasty.PROPERTIES + nasty.OBSTACLES)
    return name


@pytest.fixture
def make_nasty(layout, administrator):
    """Function make_nasty(name, properties, dump=None): make such a database, with the content of a dump too.

    It is dropped after the test, and so is one that make_nasty.drop_later(name) names.
    """
    made = []

    def make(name, properties, dump=None):
        administer(layout, nasty.CREATION.format(name=name, owner=postgres.dsn(layout, name)["user"]))
        made.append(name)
        if dump:
            subprocess.run(["pg_restore", "--exit-on-error", f"--dbname={name}", dump], check=True,
                           env={**os.environ, **administrator})  # fmt: skip
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
def administrator(layout, environment):
    """The variables of an exporter that is a superuser."""
    dsn = superuser(layout)
    return {**environment, "PGUSER": dsn["user"], "PGPASSWORD": dsn["password"]}


@pytest.fixture
def exporter(business, environment, tmp_path):
    """An exporter that backs the business up as `platform`."""
    platform = {"database": DATABASE, "filestore": str(business.filestore)}
    return Exporter(tmp_path, {"platform": platform}, environment)


@pytest.fixture(scope="session")
def promtool():
    """The path of promtool."""
    return prometheus.executable("promtool")
