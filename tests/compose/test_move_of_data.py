"""The commands of docs/versions.md that move the data of an installation of 1.0.0, run outside of containers.

In the old server, Odoo's role is the superuser and owns all data, as in 1.0.0. Both are of the machine's own version.
"""

import re
from contextlib import contextmanager

import pytest

from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.services import odoo, postgres
from stack.services.processes import Processes
from tests.compose.postgres_container import ROLES, run

pytestmark = pytest.mark.servers

IN_THE_CONTAINER = re.compile(
    r"^docker compose exec -T postgres sh -c '(.+)'( (?:[<>] \S+|<<'END'\n(?:.*\n)+?END)$)", re.MULTILINE
)
# Each database, and the role that owns it in the end.
DATABASES = {odoo.DATABASE: "odoo", "another company": "odoo", "n8n": "n8n"}
OWNERS = "SELECT datname, rolname FROM pg_database JOIN pg_roles ON pg_roles.oid = datdba WHERE NOT datistemplate"
DENIED = r'psql:.*ERROR:  permission denied to grant privileges as role "odoo"\nDETAIL:  .*\n'
TABLE_OWNERS = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'influencegen')"


def documented():
    """The documented shell commands that run in PostgreSQL's container."""
    [_before, section] = (PROJECT / "docs" / "versions.md").read_text().split("\n## An existing Compose installation\n")
    return [command + redirection for command, redirection in IN_THE_CONTAINER.findall(section)]


@contextmanager
def running(folder):
    """A PostgreSQL that is running, as its Layout."""
    layout = Layout(folder, Ports.free())
    processes = Processes(layout)
    postgres.create(layout)
    processes.configure([postgres.program(layout)])
    try:
        processes.start("postgres")
        processes.wait("postgres", lambda: postgres.answers(layout))
        yield layout
    finally:
        processes.stop_all()
        postgres.remove(layout)


@pytest.fixture
def dumped(tmp_path, monkeypatch):
    """A dump of an old server with three databases, all.sql."""
    dump, *_others = documented()
    with monkeypatch.context() as patch:
        patch.setattr(postgres, "ADMIN", postgres.ODOO)
        patch.setattr(postgres, "PASSWORDS", {postgres.ODOO: "postgres"})
        patch.setattr(postgres, "ACCESS", tmp_path / "pg_hba.conf")
        postgres.ACCESS.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        with running(tmp_path / "old") as old:
            postgres.execute(old, "CREATE ROLE monitoring LOGIN IN ROLE pg_monitor")
            for name in DATABASES:
                postgres.execute(old, f'CREATE DATABASE "{name}"')
                postgres.execute(old, "CREATE TABLE kept AS SELECT 42 AS answer", database=name)
            postgres.execute(old, "CREATE SCHEMA influencegen", database="n8n")
            postgres.execute(old, "CREATE TABLE influencegen.request (id serial)", database="n8n")
            assert run(dump, old, tmp_path) == ""


@pytest.fixture
def new(tmp_path):
    """A new server, empty."""
    with running(tmp_path / "new") as new:
        yield new


@pytest.mark.usefixtures("dumped")
def test_each_service_owns_its_data_and_nothing_is_lost(new, tmp_path):
    _dump, restore, reassign = documented()
    [(version,)] = postgres.execute(new, "SHOW server_version", role=postgres.ADMIN)
    said = run(restore, new, tmp_path)
    if int(version.split(".")[0]) >= 16:
        assert re.fullmatch(DENIED, said)
    else:
        assert said == ""
    run(ROLES, new, tmp_path, **{role: new.secret(postgres.PASSWORDS[role]) for role in postgres.ROLES})
    assert run(reassign, new, tmp_path) == ""

    def ask(statement, database="postgres", role=postgres.ADMIN):
        return postgres.execute(new, statement, database=database, role=role)

    assert dict(ask(OWNERS)) == {**DATABASES, "postgres": "postgres"}
    assert ask("SELECT rolname FROM pg_roles WHERE rolsuper") == [("postgres",)]
    for name, role in DATABASES.items():
        assert ask(TABLE_OWNERS, name, role) == [(role,)]
        assert ask("SELECT answer FROM kept", name, role) == [(42,)]
