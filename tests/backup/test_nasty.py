"""Databases that a dump alone does not restore are backed up, and what can't be verified is said beforehand."""

import subprocess

import pytest

from stack.services import postgres

from .conftest import DATABASE, administer
from .exporter import Exporter

pytestmark = pytest.mark.system

TEMPLATE = "backup_test_template"


def assert_good(exporter):
    good, said = exporter.run("platform")
    assert good, said
    return exporter.complete("platform")[-1]


def assert_fails(exporter, because):
    good, said = exporter.run("platform")
    assert not good
    assert because in said
    assert said.count("\n") == 1, "one line says it all"
    assert exporter.complete("platform") == []


def restoring(exporter, statement):
    """Let a statement be executed in what pg_restore has restored."""
    exporter.replace(
        "pg_restore",
        f'''
        "$REAL" "$@"
        for argument; do case $argument in --dbname=*)
            psql --quiet --output=/dev/null "$argument" --command="{statement}";;
        esac; done''',
    )


def test_a_nasty_database_is_good(nasty_database, administrator, tmp_path):
    exporter = Exporter(tmp_path, {"n8n": {"database": nasty_database}}, administrator)
    good, said = exporter.run("n8n")
    assert good, said


@pytest.mark.parametrize("statement, lost", [
    ("DROP INDEX nasty_name", "index public.nasty_name"),
    ("DROP EVENT TRIGGER observe", "event trigger observe"),
    ("DROP TRIGGER count_nasty ON nasty", "trigger count_nasty on public.nasty"),
    ("DROP POLICY readers ON nasty", "policy readers on public.nasty"),
    ("ALTER MATERIALIZED VIEW short RENAME TO brief", "public.short"),
    ("ALTER FUNCTION unaccent(regdictionary, text) STRICT IMMUTABLE PARALLEL UNSAFE",
     "function public.unaccent(regdictionary,text)"),
    ("UPDATE pg_largeobject SET data = 'other'", "large objects"),
])  # fmt: skip
def test_what_is_not_restored_is_found(nasty_database, administrator, tmp_path, statement, lost):
    exporter = Exporter(tmp_path, {"n8n": {"database": nasty_database}}, administrator)
    restoring(exporter, statement)
    good, said = exporter.run("n8n")
    assert not good
    assert "not restored, among them: " in said or "differ from the source, such as " in said
    assert lost in said


@pytest.mark.parametrize("creation", [
    "LC_COLLATE 'C' LC_CTYPE 'C'",
    "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'",
    "LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'und-u-kn-true'",
    "LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de' ICU_RULES '&Z < a'",
    "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
])  # fmt: skip
def test_the_copy_has_the_source_s_locale(layout, business, exporter, creation):
    """In another collation, a partition would be empty, or a row would fit none."""
    administer(layout, f'DROP DATABASE "{DATABASE}"')
    needed = 17 if "BUILTIN" in creation else 16 if "RULES" in creation else 15
    [(version,)] = administer(layout, "SHOW server_version_num")
    if int(version) < needed * 10_000:
        pytest.skip(f"needs PostgreSQL {needed}")
    administer(layout, f'CREATE DATABASE "{DATABASE}" OWNER {business.dsn["user"]} TEMPLATE template0 {creation}')
    [(ordered,)] = business.execute("SELECT 'a' < 'Z'")
    business.execute(f"""
        CREATE TABLE ir_attachment (id int, type text, store_fname text, checksum text);
        CREATE TABLE letters (letter text) PARTITION BY RANGE (letter);
        CREATE TABLE letters_some PARTITION OF letters FOR VALUES FROM ('{"aZ"[not ordered]}') TO ('{"aZ"[ordered]}');
    """)
    archive = assert_good(exporter)
    assert "LOCALE_PROVIDER" in (archive / "restore" / "create.sql").read_text()


def test_the_least_rights_suffice(exporter, business, layout):
    business.execute("CREATE EXTENSION pg_trgm; CREATE INDEX ON note USING gin (text gin_trgm_ops)")
    administer(layout, f"ALTER DATABASE {DATABASE} SET log_min_duration_statement = 0")
    assert_good(exporter)


def test_row_security_takes_one_right_more(exporter, business, layout):
    business.execute("ALTER TABLE account ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    assert_fails(exporter, "row-level security")
    administer(layout, f"ALTER ROLE {postgres.BACKUP} BYPASSRLS")
    try:
        assert_good(exporter)
    finally:
        administer(layout, f"ALTER ROLE {postgres.BACKUP} NOBYPASSRLS")


def test_what_only_a_superuser_may_create_is_said_before_the_dump(exporter, layout):
    administer(layout, "CREATE EXTENSION file_fdw", DATABASE)
    administer(layout, "CREATE FUNCTION observe() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'", DATABASE)
    administer(layout, "CREATE EVENT TRIGGER observe ON ddl_command_end EXECUTE FUNCTION observe()", DATABASE)
    exporter.replace("pg_dump", "exit 1")
    assert_fails(exporter, "only a superuser can restore event trigger observe, extension file_fdw: name a `template`")


def test_what_only_a_superuser_may_alter_is_said(exporter, layout):
    administer(layout, "CREATE EXTENSION unaccent; ALTER FUNCTION unaccent(text) IMMUTABLE", DATABASE)
    assert_fails(exporter, "only a superuser can restore the altered function public.unaccent(text) of extension "
                           "unaccent: use a template in which it is altered in the same way")  # fmt: skip


def test_a_template_has_what_only_a_superuser_may_create(exporter, business, layout, new_database):
    made = "CREATE EXTENSION file_fdw; CREATE EXTENSION unaccent; ALTER FUNCTION unaccent(text) IMMUTABLE"
    new_database(TEMPLATE)
    for database in (DATABASE, TEMPLATE):
        administer(layout, made, database)
    administer(layout, f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")
    business.execute("CREATE INDEX ON note (unaccent(text))")
    exporter.configure(template=TEMPLATE)
    try:
        assert_good(exporter)
    finally:
        administer(layout, f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE false")


def test_a_scratch_database_that_can_not_be_dropped_holds_nothing_up(exporter, layout):
    exporter.replace("pg_restore", 'for argument; do case $argument in --dbname=*) echo "${argument#--dbname=}" '
                     f'>{exporter.programs}/scratch;; esac; done; exec "$REAL" "$@"')  # fmt: skip
    assert_good(exporter)
    scratch = (exporter.programs / "scratch").read_text().strip()
    administer(layout, f"CREATE DATABASE {scratch} OWNER {exporter.environment['PGUSER']}")
    administer(layout, "CREATE SUBSCRIPTION stuck CONNECTION 'host=127.0.0.1 port=1' PUBLICATION absent "
                       "WITH (connect = false, slot_name = NONE)", scratch)  # fmt: skip
    with exporter.serving():
        assert exporter.value("backup_scratch_databases", "platform") == 0
        good, said = exporter.run("platform")
        assert good
        assert f"platform: a scratch database can't be dropped: {scratch}: " in said
        assert exporter.value("backup_scratch_databases", "platform") == 1
        administer(layout, "DROP SUBSCRIPTION stuck", scratch)
        assert_good(exporter)
        assert exporter.value("backup_scratch_databases", "platform") == 0
    assert administer(layout, f"SELECT FROM pg_database WHERE datname = '{scratch}'") == []


def test_subscriptions_are_left_out(nasty_database, administrator, tmp_path):
    exporter = Exporter(tmp_path, {"n8n": {"database": nasty_database}}, administrator)
    assert exporter.run("n8n")[0]
    [archive] = exporter.complete("n8n")
    command = [postgres.provide() / "pg_restore", "--list", archive / "database.dump"]
    listed = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    assert "SUBSCRIPTION" not in listed
    assert "PUBLICATION - everything" in listed


def test_a_source_with_the_longest_name_is_not_its_own_scratch_database(environment, new_database, tmp_path, layout):
    name = "n" * 63
    new_database(name)
    administer(layout, "CREATE TABLE precious (row int)", name)
    exporter = Exporter(tmp_path, {"n8n": {"database": name}}, environment)
    assert exporter.run("n8n")[0]
    assert administer(layout, "SELECT count(*) FROM precious", name) == [(0,)]
