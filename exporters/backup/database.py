"""A database of PostgreSQL: its dump, and the proof that the dump holds what the database held.

Where the server is and who asks is taken from libpq's own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from psycopg2 import sql

from exporters.backup import commands
from exporters.backup.errors import Failed

LOCK_SECONDS = 60
# Whatever the database's own settings are, the same row has the same text in both; a lock is not waited for in vain.
SESSION = f"-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c lock_timeout={LOCK_SECONDS}s"
# What pg_dump dumps the rows of, extensions' own tables left out.
TABLES = """
    SELECT n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""
# A sum of hashes does not depend on the order of the rows.
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended((r.*)::text, 0)), 0) FROM {} AS r"


@dataclass(frozen=True)
class Content:
    """What a table holds: the number of its rows, and a sum over the hashes of all of them."""

    rows: int
    hashes: int


Contents = dict[str, Content]


@dataclass(frozen=True)
class Snapshot:
    """A database as it was at one moment, whatever others write meanwhile."""

    database: str
    name: str
    cursor: psycopg2.extensions.cursor

    def dump(self, file: Path) -> Contents:
        """Dump the database in pg_dump's custom format; return what its tables hold.

        No lock is held while pg_dump waits for its own: an ALTER TABLE that waits for the one would hold up the other,
        and everybody behind it.
        """
        self.cursor.execute("SAVEPOINT unlocked")
        contents = read_contents(self.cursor)
        self.cursor.execute("ROLLBACK TO SAVEPOINT unlocked")
        commands.run("pg_dump", "--format=custom", f"--snapshot={self.name}",
                     f"--lock-wait-timeout={LOCK_SECONDS}s", f"--file={file}", self.database)  # fmt: skip
        return contents


@contextmanager
def snapshot(database: str) -> Iterator[Snapshot]:
    """Hold a snapshot of a database while the body runs."""
    with closing(connect(database)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            [name] = cursor.fetchone()
            yield Snapshot(database, name, cursor)


@contextmanager
def restored(file: Path, database: str) -> Iterator[psycopg2.extensions.cursor]:
    """Restore a dump into a scratch database, let the body read it, and drop it.

    The scratch database is made as `database`, the source, is: with its encoding and locale. One of the same name that
    an earlier job left behind is replaced.
    """
    scratch = f"{database}_backup_check"
    with _made(scratch, like=database):
        commands.run("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", f"--dbname={scratch}", file)
        with closing(connect(scratch)) as connection, connection.cursor() as cursor:
            yield cursor


def read_contents(cursor: psycopg2.extensions.cursor) -> Contents:
    """Return what each table of the cursor's database holds, by its name with its schema."""
    cursor.execute(TABLES)
    contents = {}
    for schema, table in cursor.fetchall():
        cursor.execute(sql.SQL(CONTENT).format(sql.Identifier(schema, table)))
        contents[f"{schema}.{table}"] = Content(*cursor.fetchone())
    return contents


def compare(source: Contents, copy: Contents) -> None:
    """Raise Failed, naming tables, if a restored database does not hold exactly what its source held."""
    different = sorted(name for name in source.keys() | copy.keys() if source.get(name) != copy.get(name))
    if different:
        first = different[0]
        raise Failed(f"{len(different)} of {len(source)} tables are not as in the source, among them {first}: "
                     f"{_told(source.get(first))} there, {_told(copy.get(first))} restored")


def connect(database: str) -> psycopg2.extensions.connection:
    """Return a connection to a database."""
    return psycopg2.connect(dbname=database, options=SESSION)


def _told(content: Content | None) -> str:
    return f"{content.rows} rows (hash {content.hashes})" if content else "no such table"


@contextmanager
def _made(scratch: str, like: str) -> Iterator[None]:
    with closing(connect(like)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database "
                           "WHERE datname = current_database()")  # fmt: skip
            locale = map(sql.Literal, cursor.fetchone())
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch))
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}")
            cursor.execute(drop)
            cursor.execute(create.format(sql.Identifier(scratch), *locale))
            try:
                yield
            finally:
                cursor.execute(drop)
