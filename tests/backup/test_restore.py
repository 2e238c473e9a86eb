"""The restore procedure of docs/backups.md, run as it stands there."""

import os
import re
import subprocess
import textwrap
from contextlib import closing

import psycopg2
import pytest

from stack.layout import PROJECT
from stack.provide import odoo_source
from stack.services import n8n, odoo, postgres

from . import nasty
from .conftest import administer, superuser
from .exporter import Exporter

pytestmark = pytest.mark.system

COPY = "backup_test_odoo"
# What is compared beside tables: each query gives rows that a restored database has too.
PARTS = (
    "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname !~ '^pg_'",
    "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT policyname, roles, cmd, qual FROM pg_policies",
    "SELECT oid::regprocedure::text, provolatile, proconfig, proowner::regrole::text FROM pg_proc WHERE oid >= 16384",
    "SELECT oid::regclass::text, relkind, relowner::regrole::text, relacl::text, relrowsecurity, relispopulated "
    "FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace",
    "SELECT attrelid::regclass::text, attname, attidentity, attgenerated FROM pg_attribute WHERE attrelid >= 16384 "
    "AND attnum > 0 AND NOT attisdropped AND attrelid NOT IN (SELECT oid FROM pg_class WHERE relkind IN ('t', 'i'))",
    "SELECT extname, extversion, extnamespace::regnamespace::text FROM pg_extension",
    "SELECT evtname, evtevent FROM pg_event_trigger",
    "SELECT srvname, srvoptions FROM pg_foreign_server",
    "SELECT usename, srvname FROM pg_user_mappings",
    "SELECT oid, md5(lo_get(oid)) FROM pg_largeobject_metadata",
    "SELECT pubname, puballtables FROM pg_publication",
    "SELECT setrole::regrole::text, unnest(setconfig) FROM pg_db_role_setting "
    "JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database()",
    "SELECT unnest(datacl)::text FROM pg_database WHERE datname = current_database()",
    "SELECT datdba, datlocprovider, to_jsonb(d)->>'daticulocale', datcollate, datconnlimit, "
    "shobj_description(oid, 'pg_database') FROM pg_database d WHERE datname = current_database()",
)


def commands(part):
    """The commands of the procedure for one backup."""
    text = (PROJECT / "docs" / "backups.md").read_text()
    blocks = re.findall(rf"^ *```sh {part}\n(.+?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    return "".join(map(textwrap.dedent, blocks))


def read(layout, database):
    """All that a database holds: the rows of its tables, column by column, and its other parts."""
    options = "-c search_path= -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=3"
    found = {}
    connection = psycopg2.connect(**superuser(layout, database), options=options)
    with closing(connection), connection.cursor() as cursor:
        for part in PARTS:
            cursor.execute(part)
            found[part] = sorted(map(repr, cursor.fetchall()))
        cursor.execute("""
            SELECT format('%I.%I', schemaname, tablename), (
                SELECT string_agg(format('%I::text', attname), ', ' ORDER BY attname) FROM pg_attribute
                WHERE attrelid = format('%I.%I', schemaname, tablename)::regclass AND attnum > 0
                  AND NOT attisdropped)
            FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            UNION ALL SELECT 'public.short', 'id, shorten'""")
        for table, columns in cursor.fetchall():
            cursor.execute(f"SELECT {columns or ''} FROM {table}")
            found[table] = sorted(map(repr, cursor.fetchall()))
    return found


@pytest.fixture
def restore(administrator):
    """Function restore(part, **variables): run the procedure for one backup as a superuser, with these variables."""

    def restore(part, **variables):
        variables = {name: str(value) for name, value in variables.items()}
        subprocess.run(["bash", "-e", "-u", "-c", commands(part)], check=True,
                       env={**os.environ, **administrator, **variables})  # fmt: skip

    return restore


def test_odoo_runs_on_the_restored_platform(layout, environment, restore, new_database, tmp_path):
    """Odoo's own database is backed up, restored under another name in place of an empty one, and read by Odoo."""
    filestore = odoo.files(layout) / "filestore" / odoo.DATABASE
    platform = {"database": odoo.DATABASE, "filestore": str(filestore)}
    exporter = Exporter(tmp_path, {"platform": platform}, environment)
    good, said = exporter.run("platform")
    assert good, said
    [archive] = exporter.complete("platform")
    [(users, attachments)] = postgres.execute(
        layout, "SELECT (SELECT count(*) FROM res_users), (SELECT count(*) FROM ir_attachment WHERE store_fname <> '')",
        database=odoo.DATABASE)  # fmt: skip
    assert attachments > 10
    new_database(COPY)
    data = tmp_path / "odoo"
    (data / "filestore" / COPY).mkdir(parents=True)

    try:
        restore("platform", ARCHIVE=archive, DATABASE=COPY, DATA_DIR=data)
        source = odoo_source.choose()
        configuration = odoo.configure(layout, source, database=COPY, workers=0, data_dir=data)
        odoo.run_once(
            layout,
            source,
            configuration,
            "shell",
            script=f"""
assert env["res.users"].with_context(active_test=False).search_count([]) == {users}
stored = env["ir.attachment"].search([("store_fname", "!=", False), ("res_field", "in", (False, "any"))])
stored |= env["ir.attachment"].search([("store_fname", "!=", False), ("res_field", "!=", False)])
assert len(stored) == {attachments}, len(stored)
assert all(attachment.raw for attachment in stored if attachment.file_size)
""",
        )
    finally:
        postgres.execute(layout, f'DROP DATABASE IF EXISTS "{COPY}.damaged" WITH (FORCE)')
    assert (data / "filestore" / f"{COPY}.damaged").exists()


def test_a_nasty_platform_is_restored_as_documented(layout, administrator, restore, make_nasty, tmp_path):
    """Odoo's own database with all that a dump leaves out: restored in the place of its source, compared, and run."""
    name = "backup_test_nasty"
    subprocess.run(["pg_dump", "--format=custom", f"--file={tmp_path}/dump", odoo.DATABASE], check=True,
                   env={**os.environ, **administrator})  # fmt: skip
    make_nasty(name, nasty.PROPERTIES, f"{tmp_path}/dump")
    data, filestore = tmp_path / "odoo", odoo.files(layout) / "filestore" / odoo.DATABASE
    (data / "filestore" / name).mkdir(parents=True)
    exporter = Exporter(tmp_path, {"platform": {"database": name, "filestore": str(filestore)}}, administrator)
    good, said = exporter.run("platform")
    assert good, said
    [archive] = exporter.complete("platform")

    make_nasty.drop_later(f"{name}.damaged")
    restore("platform", ARCHIVE=archive, DATABASE=name, DATA_DIR=data)

    source, copy = read(layout, f"{name}.damaged"), read(layout, name)
    assert len(source) > 100
    assert source.keys() == copy.keys()
    assert {part: (source[part], copy[part]) for part in source if source[part] != copy[part]} == {}
    subscriptions = "SELECT datname FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datname LIKE "
    assert administer(layout, f"{subscriptions} '{name}%'") == [(f"{name}.damaged",)]
    configuration = odoo.configure(layout, odoo_source.choose(), database=name, workers=0, data_dir=data)
    odoo.run_once(
        layout,
        odoo_source.choose(),
        configuration,
        "shell",
        script="""
assert env.registry.has_unaccent == 2, "unaccent can be indexed"
assert env["ir.module.module"].search([("name", "=", "mail")]).state == "installed"
env.cr.execute("SELECT count(*) FROM telemetry_entry")
[before] = env.cr.fetchone()
env["res.users.log"].create({})
env.flush_all()
env.cr.execute("SELECT count(*) FROM telemetry_entry")
assert env.cr.fetchone() == (before + 1,), "the restored ledger goes on counting"
""",
    )


def test_the_documented_template_has_what_a_backup_needs(layout, restore):
    administer(layout, "DROP DATABASE IF EXISTS backup_test_template")
    try:
        restore("template", TEMPLATE="backup_test_template")
        assert administer(layout, "SELECT provolatile FROM pg_proc WHERE oid = 'unaccent(text)'::regprocedure",
                          "backup_test_template") == [("i",)]  # fmt: skip
    finally:
        administer(layout, "ALTER DATABASE backup_test_template IS_TEMPLATE false")
        administer(layout, "DROP DATABASE backup_test_template")


def test_roles_that_the_server_lacks_are_named_beforehand(layout, administrator, nasty_database, tmp_path):
    exporter = Exporter(tmp_path, {"n8n": {"database": nasty_database}}, administrator)
    assert exporter.run("n8n")[0]
    [archive] = exporter.complete("n8n")
    administer(layout, f"ALTER ROLE {nasty.ROLE} RENAME TO {nasty.ROLE}_2")
    try:
        done = subprocess.run(["sh", archive / "restore.sh", "backup_test_restored"], capture_output=True, text=True,
                              env={**os.environ, **administrator})  # fmt: skip
    finally:
        administer(layout, f"ALTER ROLE {nasty.ROLE}_2 RENAME TO {nasty.ROLE}")
    assert done.returncode
    assert f"this server lacks roles that the database refers to: create {nasty.ROLE} first" in done.stderr
    assert administer(layout, "SELECT FROM pg_database WHERE datname = 'backup_test_restored'") == []


def test_n8n_s_workflows_are_in_the_restored_database(layout, environment, restore, new_database, tmp_path):
    dsn = new_database("backup_test_n8n")
    for script in n8n.SCRIPTS:
        postgres.execute(layout, script.read_text(), database="backup_test_n8n")
    exporter = Exporter(tmp_path, {"n8n": {"database": "backup_test_n8n"}}, environment)
    good, said = exporter.run("n8n")
    assert good, said
    [archive] = exporter.complete("n8n")
    before = postgres.execute(layout, "SELECT * FROM influencegen.limits", database="backup_test_n8n")
    try:
        restore("n8n", ARCHIVE=archive, DATABASE=dsn["dbname"])
        assert postgres.execute(layout, "SELECT * FROM influencegen.limits", database="backup_test_n8n") == before
    finally:
        postgres.execute(layout, 'DROP DATABASE IF EXISTS "backup_test_n8n.damaged" WITH (FORCE)')


def test_the_data_of_prometheus_are_put_in_place(restore, tmp_path):
    (tmp_path / "archive" / "prometheus" / "block").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    restore("monitoring", ARCHIVE=tmp_path / "archive", DATA=tmp_path / "data")
    assert (tmp_path / "data" / "block").is_dir()
    assert (tmp_path / "data.damaged").is_dir()
