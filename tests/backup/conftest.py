import os

import pytest

from stack import backup, postgres, prometheus
from stack.layout import Layout

from .business import SCHEMA, Business
from .exporter import Exporter

DATABASE = "backup_test"


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
