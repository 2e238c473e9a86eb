"""A database of PostgreSQL: its dump, and the proof that the dump holds what the database held.

The server and the user are taken from libpq's own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD).
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from exporters.backup import catalog, commands, restoring
from exporters.backup.errors import BackupError

LOCK_SECONDS = 60
# Rows have the same text in the source and in the copy, whatever the settings of the database and the role. Statements
# have no timeout; waits for locks do.
SESSION = " ".join(f"-c {setting}" for setting in (
    "role=none", "search_path=", "row_security=off", "client_min_messages=error", "standard_conforming_strings=on",
    "default_transaction_read_only=off", "default_transaction_isolation=read\\ committed",
    "default_transaction_deferrable=off", "statement_timeout=0", "idle_in_transaction_session_timeout=0",
    "idle_session_timeout=0", f"lock_timeout={LOCK_SECONDS}s",
    "TimeZone=UTC", "DateStyle=ISO", "IntervalStyle=postgres", "extra_float_digits=1", "bytea_output=hex",
    "xmlbinary=base64", "lc_monetary=C", "quote_all_identifiers=off",
))  # fmt: skip
# A sum of hashes does not depend on the order of the rows.
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(ROW({})::text, 0)), 0) FROM ONLY {} AS r"
LARGE_OBJECTS = """SELECT count(*), coalesce(sum(hashtextextended(ROW(oid, lo_get(oid))::text, 0)), 0)
                   FROM pg_largeobject_metadata"""


@dataclass(frozen=True)
class Content:
    """What a table holds: the number of its rows, and a sum over the hashes of all of them."""

    rows: int
    hashes: int


@dataclass(frozen=True)
class State:
    """What a database is: what its tables hold, the names of its objects, and what pg_dump leaves out.

    `functions` are those of extensions: (extension, version, signature, definition). `properties` are the statements
    that restore properties which are stored outside the database.
    """

    contents: dict[str, Content]
    objects: frozenset[str]
    functions: frozenset[tuple[str, str, str, str]]
    properties: frozenset[str]


@dataclass(frozen=True)
class Snapshot:
    """A database as it was at one moment, whatever others write meanwhile."""

    database: str
    name: str
    cursor: psycopg2.extensions.cursor

    def dump(self, archive: Path) -> State:
        """Dump the database into an archive, with the scripts that restore it; return its state.

        No lock is held while pg_dump waits for its own: an ALTER TABLE queued behind this session's lock would block
        pg_dump and all other sessions. Subscriptions are left out, so that a copy does not consume the changes that
        a publisher holds for the source; so are tablespaces, which are folders of a server.
        """
        self.cursor.execute("SAVEPOINT unlocked")
        state = read_state(self.cursor)
        self.cursor.execute("ROLLBACK TO SAVEPOINT unlocked")
        commands.run("pg_dump", "--format=custom", "--no-subscriptions", "--no-tablespaces", f"--snapshot={self.name}",
                     f"--lock-wait-timeout={LOCK_SECONDS}s", f"--file={archive / 'database.dump'}", self.database,
                     environment={"PGOPTIONS": SESSION})  # fmt: skip
        restoring.write_scripts(self.cursor, archive)
        return state


@contextmanager
def snapshot(database: str, template: str | None = None) -> Iterator[Snapshot]:
    """Hold a snapshot of a database while the body runs.

    Raise BackupError if the database has what only a superuser can restore, the template lacks it, and the user is not
    a superuser.
    """
    with closing(connect(database)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            _check_rights(cursor, template)
            cursor.execute("SELECT pg_export_snapshot()")
            [(name,)] = cursor.fetchall()
            yield Snapshot(database, name, cursor)


@contextmanager
def restored(archive: Path, database: str, template: str | None = None) -> Iterator[psycopg2.extensions.cursor]:
    """Restore an archive's database into a scratch database by the archive's script, and let the body read it.

    The scratch database is made from `template`, if one is given, on the server of `database`, the source; it stays for
    `drop_scratch_databases`.
    """
    scratch = f"{_scratch_prefix(database)}{secrets.token_hex(4)}"
    commands.run("sh", archive / "restore.sh", scratch, *filter(None, [template]))
    with closing(connect(scratch)) as connection, connection.cursor() as cursor:
        yield cursor


def drop_scratch_databases(database: str) -> list[str]:
    """Drop all scratch databases of a source; return why some can't be dropped, one text for each."""
    left = []
    with closing(connect("postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
                           [_scratch_prefix(database)])  # fmt: skip
            for (name,) in cursor.fetchall():
                try:
                    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
                except psycopg2.Error as error:
                    left.append(" ".join(f"{name}: {error}".split()))
    return left


def read_state(cursor: psycopg2.extensions.cursor) -> State:
    """Return the state of the cursor's database."""
    return State(
        _read_contents(cursor),
        frozenset(name for (name,) in _rows(cursor, catalog.OBJECTS)),
        frozenset(_rows(cursor, catalog.EXTENSION_FUNCTIONS)),
        # only a superuser restores them
        frozenset(name for (name,) in _rows(cursor, catalog.PROPERTIES)) if _is_superuser(cursor) else frozenset(),
    )


def compare(source: State, copy: State) -> None:
    """Raise BackupError, naming what differs, if a restored database is not all that its source was."""
    contents, copies = source.contents, copy.contents
    different = sorted(name for name in contents.keys() | copies.keys() if contents.get(name) != copies.get(name))
    if different:
        first = different[0]
        raise BackupError(
            f"{len(different)} of {len(contents)} tables differ from the source, such as {first}: "
            f"{_counted(contents.get(first))} in the source, {_counted(copies.get(first))} in the copy"
        )
    versions = {function[:2] for function in copy.functions}
    altered = {f"function {signature}" for *version, signature, _definition in source.functions - copy.functions
               if tuple(version) in versions}  # fmt: skip
    lost = sorted((source.objects - copy.objects) | altered | (source.properties - copy.properties))
    if lost:
        raise BackupError(f"{len(lost)} objects or properties of the source are not restored, among them: {lost[0]}")


def connect(database: str) -> psycopg2.extensions.connection:
    """Return a connection to a database."""
    connection = psycopg2.connect(dbname=database, options=SESSION)
    if connection.server_version >= 170000:
        with connection.cursor() as cursor:
            cursor.execute("SET transaction_timeout = 0")
        connection.commit()
    return connection


def _check_rights(cursor: psycopg2.extensions.cursor, template: str | None) -> None:
    if _is_superuser(cursor):
        return
    privileged = [name for (name,) in _rows(cursor, catalog.PRIVILEGED)]
    if template:
        with closing(connect(template)) as connection, connection.cursor() as there:
            privileged = [name for name in privileged if (name,) not in _rows(there, catalog.PRIVILEGED)]
    if privileged:
        raise BackupError(
            f"only a superuser can restore {', '.join(privileged)}: name a `template` that has the "
            "extensions, or let a superuser make the backup (docs/backups.md)"
        )


def _is_superuser(cursor: psycopg2.extensions.cursor) -> bool:
    return _rows(cursor, "SHOW is_superuser") == [("on",)]


def _read_contents(cursor: psycopg2.extensions.cursor) -> dict[str, Content]:
    """Return what each table holds, by its name with its schema, and what the large objects hold."""
    large = Content(*_rows(cursor, LARGE_OBJECTS)[0])
    contents = {"large objects": large} if large.rows else {}
    for schema, table, columns in _rows(cursor, catalog.TABLES):
        row = sql.SQL(", ").join(sql.Identifier("r", column) for column in columns)
        cursor.execute(sql.SQL(CONTENT).format(row, sql.Identifier(schema, table)))
        contents[f"{schema}.{table}"] = Content(*cursor.fetchall()[0])
    return contents


def _rows(cursor: psycopg2.extensions.cursor, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    return cursor.fetchall()


def _scratch_prefix(database: str) -> str:
    """Return what the names of a source's scratch databases begin with: short, however long the source's name is."""
    return f"backup_check_{hashlib.sha1(database.encode()).hexdigest()[:12]}_"


def _counted(content: Content | None) -> str:
    return f"{content.rows} rows (hash {content.hashes})" if content else "no such table"
