"""The scripts in an archive that restore its database: verified by each job, and run by the person who restores it.

pg_dump leaves out what lies outside a database (its locale, owner, privileges and settings) and what was altered within
extensions. The scripts put it back around pg_restore. They need nothing but a shell and PostgreSQL's own programs.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from exporters.backup import catalog, commands

SCRIPT = Path(__file__).with_name("restore.sh")
# Values from the source appear only inside literals, so none of them can become a statement.
START = "\\encoding UTF8\n\\o /dev/null\nSET search_path = '';\n"
SET = "SELECT set_config({}, {}, false);\n"
NEED_ROLES = """
DO $do$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(quote_ident(name), ', ') INTO missing
    FROM jsonb_array_elements_text(current_setting('backup.roles')::jsonb) AS needed (name)
    WHERE current_setting('is_superuser') = 'on' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'this server lacks roles that the database refers to: create % first', missing;
    END IF;
END
$do$;
"""
MAKE_EXTENSIONS = f"""
DO $do$
DECLARE
    extension record;
    altered record;
BEGIN
    FOR extension IN
        SELECT source.*, (SELECT v.version FROM pg_available_extension_versions v
                          WHERE v.name = source.name AND v.version = source.version) AS available
        FROM jsonb_to_recordset(current_setting('backup.extensions')::jsonb)
            AS source (name name, schema name, version text)
    LOOP
        IF to_regnamespace(quote_ident(extension.schema)) IS NULL THEN
            EXECUTE format('CREATE SCHEMA %I', extension.schema);
        END IF;
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I', extension.name, extension.schema)
            || coalesce(' VERSION ' || quote_literal(extension.available), '');
    END LOOP;
    FOR altered IN
        SELECT source.extension, source.signature, source.definition
        FROM jsonb_to_recordset(current_setting('backup.functions')::jsonb)
            AS source (extension name, version text, signature text, definition text)
        JOIN ({catalog.EXTENSION_FUNCTIONS}) AS own USING (extension, version, signature)
        WHERE own.definition <> source.definition
    LOOP
        BEGIN
            EXECUTE altered.definition;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'only a superuser can restore the altered function % of extension %: use a template in '
                'which it is altered in the same way', altered.signature, altered.extension;
        END;
    END LOOP;
END
$do$;
"""


def write_scripts(cursor: psycopg2.extensions.cursor, archive: Path) -> None:
    """Write `restore.sh` and what it needs into an archive with a dump of the cursor's database."""
    folder = archive / "restore"
    folder.mkdir()
    shutil.copy(SCRIPT, archive)
    extensions = _records(cursor, catalog.EXTENSIONS)
    literals = {
        "backup.roles": sorted(name for (name,) in _rows(cursor, catalog.ROLES)),
        "backup.extensions": extensions,
        "backup.functions": _records(cursor, catalog.EXTENSION_FUNCTIONS),
    }
    given = {name: sql.SQL(SET).format(sql.Literal(name), sql.Literal(json.dumps(value))).as_string(cursor)
             for name, value in literals.items()}  # fmt: skip
    [(creation,)] = _rows(cursor, catalog.CREATION)
    properties = [statement for (statement,) in _rows(cursor, catalog.PROPERTIES)]
    scripts = {
        "create": [given["backup.roles"], NEED_ROLES, creation, "\n"],
        "extensions": [given["backup.extensions"], given["backup.functions"], MAKE_EXTENSIONS],
        "properties": [f"{statement}\n" for statement in properties],
    }
    for name, parts in scripts.items():
        (folder / f"{name}.sql").write_text(START + "".join(parts), encoding="utf-8")
    listed = commands.run("pg_restore", "--list", archive / "database.dump")
    made = _made_before(extensions)
    (folder / "entries.list").write_text(
        "".join(f"{line}\n" for line in listed.splitlines() if line.startswith(";") or not made(_entry(line)))
    )


def _made_before(extensions: list[dict[str, Any]]) -> Callable[[str], bool]:
    """Return a function: whether a dump entry is, or comments on, something that `extensions.sql` creates."""
    schemas = {f"SCHEMA - {extension['schema']} {extension['schema_owner']}" for extension in extensions}
    return lambda entry: entry in schemas or entry.startswith(("EXTENSION - ", "COMMENT - EXTENSION "))


def _entry(line: str) -> str:
    """Return what a line of pg_restore's list is about, after its numbers: `3; 2615 2200 SCHEMA - public odoo`."""
    return line.split("; ", 1)[1].split(" ", 2)[2].rstrip()


def _rows(cursor: psycopg2.extensions.cursor, query: str) -> list[tuple[Any, ...]]:
    cursor.execute(query)
    return cursor.fetchall()


def _records(cursor: psycopg2.extensions.cursor, query: str) -> list[dict[str, Any]]:
    rows = _rows(cursor, query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]
