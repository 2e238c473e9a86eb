"""The project's own PostgreSQL: a private cluster, reached over TCP by a role for each service, with its password."""

import functools
import os
import pwd
import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict

import psycopg2

from stack import private
from stack.console import StackError, run, step
from stack.layout import PROJECT, Layout, cache
from stack.provide import debian
from stack.services.processes import Program

# Makes databases and roles; no service logs in as this one.
ADMIN = "postgres"
# A role of its own for each service, see postgres_roles.sql.
ODOO, N8N, BACKUP, MONITOR = ROLES = ("odoo", "n8n", "backup", "monitoring")
# The secret that is the password of each.
PASSWORDS = {ADMIN: "postgres", ODOO: "postgres-odoo", N8N: "postgres-n8n", BACKUP: "postgres-backup",
             MONITOR: "postgres-monitoring"}  # fmt: skip
ROLES_SCRIPT = PROJECT / "stack" / "services" / "postgres_roles.sql"
ACCESS = PROJECT / "stack" / "services" / "pg_hba.conf"
# PostgreSQL refuses to run as root.
UNPRIVILEGED = "nobody"
# The oldest version with JSON logs.
OLDEST = 15

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
timezone = 'UTC'
log_timezone = 'UTC'
# The data of a trial are worth less than its speed.
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 2GB
# Slow statements and errors: a file for each hour of the day, written again a day later.
logging_collector = on
log_destination = 'jsonlog'
log_filename = 'postgresql-%H.log'
log_rotation_age = 1h
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_duration_statement = 1s
# The exporter of slow queries knows the messages in this language; values that are bound are nobody's business.
lc_messages = 'C'
log_parameter_max_length = 0
{preload}
"""


class Dsn(TypedDict):
    """Where a database is, and who asks: what psycopg2.connect takes."""

    host: str
    port: int
    user: str
    password: str
    dbname: str


class User(TypedDict, total=False):
    """Whom a process runs as: what subprocess.run takes."""

    user: int
    group: int
    extra_groups: list[int]


def provide() -> Path:
    """Return the folder of PostgreSQL's programs: the machine's own, or Debian's package unpacked."""
    return _system() or _from_package()


def create(layout: Layout) -> None:
    """Make the cluster if there is none, and write its settings."""
    programs = provide()
    _check_version(programs)
    _stop_orphan(layout, programs)
    # a cluster that outlived the state it belongs to can't be opened: its password went with the state
    made = layout.state / "cluster.made"
    if not layout.cluster.exists() or not made.exists():
        with step("PostgreSQL cluster"):
            remove(layout)
            _initialise(layout, programs)
            private.write(made, ADMIN)
    elif private.read(made) != ADMIN:
        raise StackError(
            "The database is of an earlier version, in which Odoo was PostgreSQL's superuser: "
            "run `make clean`, which deletes the database, then repeat the command."
        )
    settings = SETTINGS.format(port=layout.ports.pg, preload=_preload(programs))
    _write_for_server(layout.cluster / "postgresql.conf", settings)
    _write_for_server(layout.cluster / "pg_hba.conf", ACCESS.read_text())


def program(layout: Layout) -> Program:
    """Return how the server is run."""
    programs = provide()
    return Program(
        name="postgres",
        command=[programs / "postgres", "-D", layout.cluster],
        environment={name: value for name, value in environment(programs).items() if name == "LD_LIBRARY_PATH"},
        directory=Path("/"),
        user=UNPRIVILEGED if _drops_privileges() else None,
        stop_signal="INT",
    )


def dsn(layout: Layout, database: str, role: str = ODOO) -> Dsn:
    """Return what it takes to reach a database of the cluster as one of the roles."""
    return {
        "host": "127.0.0.1",
        "port": layout.ports.pg,
        "user": role,
        "password": layout.secret(PASSWORDS[role]),
        "dbname": database,
    }


def answers(layout: Layout) -> bool:
    """Say whether the server takes connections."""
    try:
        psycopg2.connect(**dsn(layout, "postgres", ADMIN), connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def execute(layout: Layout, statement: str, *, database: str = "postgres", role: str = ODOO) -> list[tuple[Any, ...]]:
    """Run one statement outside a transaction, as one of the roles, and return its rows, if it has any."""
    with closing(psycopg2.connect(**dsn(layout, database, role))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def create_roles(layout: Layout) -> None:
    """Make the role of each service, or give it the rights and the password that it should have."""
    administrator = psycopg2.connect(**dsn(layout, "postgres", ADMIN))
    with closing(administrator), administrator, administrator.cursor() as cursor:
        for role in ROLES:
            password = layout.secret(PASSWORDS[role])
            cursor.execute("SELECT set_config(%s, %s, true)", (f"influencegen.{role}", password))
        cursor.execute(ROLES_SCRIPT.read_text())


def create_database(layout: Layout, name: str, owner: str, options: str = "") -> None:
    """Make a database that belongs to a role; `options` are further ones of CREATE DATABASE."""
    execute(layout, f'CREATE DATABASE "{name}" OWNER {owner} {options}', role=ADMIN)


def logs(layout: Layout) -> Path:
    """Return the folder of the server's own log."""
    return layout.cluster / "log"


def environment(programs: Path) -> dict[str, str]:
    """Return the environment of the server's programs; libraries unpacked beside them are found there."""
    variables = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    libraries = sorted({str(path.parent) for path in (programs.parents[3] / "lib").glob("*/libpq.so*")})
    if libraries and programs.is_relative_to(cache()):
        variables["LD_LIBRARY_PATH"] = ":".join(libraries)
    return variables


def remove(layout: Layout) -> None:
    """Delete the cluster; the server is stopped already."""
    shutil.rmtree(layout.cluster, ignore_errors=True)


@functools.cache
def _system() -> Path | None:
    """Return the folder of the newest server that the machine has, if it has one."""
    candidates = [Path(found) for found in (shutil.which("postgres"),) if found]
    candidates += sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    for candidate in candidates:
        folder = candidate.resolve().parent
        if (folder / "initdb").exists():
            return folder
    return None


@functools.cache
def _from_package() -> Path:
    root = debian.unpacked_with_dependencies("postgresql")
    found = sorted((root / "usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    if not found:
        raise StackError("Debian's PostgreSQL package has no server: install PostgreSQL, then repeat the command.")
    return found[-1]


def _check_version(programs: Path) -> None:
    output = subprocess.run(
        [programs / "postgres", "--version"], env=environment(programs), capture_output=True, text=True, check=True
    ).stdout
    version = int(re.findall(r"\d+", output)[0])
    if version < OLDEST:
        raise StackError(
            f"{programs / 'postgres'} is PostgreSQL {version}, but {OLDEST} or newer is needed: "
            "put a newer one on PATH."
        )


def _preload(programs: Path) -> str:
    library = programs.parent / "lib" / "pg_stat_statements.so"
    return "shared_preload_libraries = 'pg_stat_statements'" if library.exists() else ""


def _drops_privileges() -> bool:
    return os.geteuid() == 0


def _as_server() -> User:
    if not _drops_privileges():
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(layout: Layout, programs: Path) -> None:
    unfinished = layout.cluster.with_name(f"{layout.cluster.name}.unfinished")
    password = unfinished.with_suffix(".password")
    private.folder(layout.state)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give_to_server(unfinished)
    _write_for_server(password, layout.secret("postgres"))
    run(
        [programs / "initdb", "--pgdata", unfinished, "--username", ADMIN, "--auth", "scram-sha-256",
         "--pwfile", password, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
        log=layout.logs / "initdb.log", cwd="/", env=environment(programs), **_as_server(),
    )  # fmt: skip
    password.unlink()
    unfinished.rename(layout.cluster)


def _write_for_server(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    _give_to_server(path)


def _give_to_server(path: Path) -> None:
    if _drops_privileges():
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(path, user.pw_uid, user.pw_gid)


def _stop_orphan(layout: Layout, programs: Path) -> None:
    """Stop a server that outlived its supervisor; a lock whose server is gone clears itself at start."""
    if (layout.cluster / "postmaster.pid").exists():
        subprocess.run(
            [programs / "pg_ctl", "stop", "--mode", "fast", "--pgdata", layout.cluster],
            cwd="/", env=environment(programs), capture_output=True, **_as_server(),
        )  # fmt: skip
