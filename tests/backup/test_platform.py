"""A backup of a database and its filestore is counted as good if it is, and only then."""

import os
import shutil
import subprocess

import pytest

from .conftest import DATABASE

pytestmark = pytest.mark.system


@pytest.fixture
def small_disk(exporter):
    """Archives on a disk of 1 MB, in place of the exporter's folder."""
    exporter.archives.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", exporter.archives], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root alone")
    yield
    subprocess.run(["umount", exporter.archives], check=True)


def assert_fails(exporter, because):
    """A job fails, says why, and leaves neither a complete nor an unfinished archive."""
    good, said = exporter.run("platform")
    assert not good
    assert f"platform: the backup failed: {because}" in said
    assert said.count("\n") == 1, "one line says it all"
    assert exporter.complete("platform") == []
    assert exporter.leftovers() == []


def test_a_backup_under_traffic_is_exact(exporter, business, new_database, tmp_path):
    with business.busy() as done:
        for _time in range(5):
            before = done()
            good, said = exporter.run("platform")
            assert good, said
            assert done() > before + 20
    *_older, archive = exporter.complete("platform")
    new_database("backup_test_restored")
    owner = {"PGUSER": business.dsn["user"], "PGPASSWORD": business.dsn["password"]}
    programs = {**os.environ, **exporter.environment, **owner}
    subprocess.run(["pg_restore", "--dbname=backup_test_restored", archive / "database.dump"], env=programs, check=True)
    restored = type(business)({**business.dsn, "dbname": "backup_test_restored"}, archive / "filestore")
    assert restored.execute("SELECT sum(balance)::numeric(12, 4) FROM account") == [(5005,)]
    names = [name for (name,) in restored.execute("SELECT store_fname FROM ir_attachment")]
    assert len(names) >= 10
    assert all((archive / "filestore" / name).is_file() for name in names)


def test_the_scratch_database_is_gone_afterwards(exporter, business):
    for wanted in (True, False):
        assert exporter.run("platform")[0] is wanted
        assert business.execute("SELECT datname FROM pg_database WHERE datname LIKE 'backup_check%%'") == []
        business.execute("INSERT INTO ir_attachment (store_fname, checksum) VALUES ('ab/absent', 'ab')")


def test_a_truncated_dump_fails(exporter):
    exporter.replace(
        "pg_dump",
        """
        "$REAL" "$@"
        for argument; do case $argument in --file=*) truncate --size=-2000 "${argument#--file=}";; esac; done""",
    )
    assert_fails(exporter, "pg_restore ended with status 1: pg_restore: error: could not read")


def test_a_dump_of_another_database_fails(exporter, new_database, business):
    other = type(business)(new_database("backup_test_other"), business.filestore)
    other.execute("CREATE TABLE account (id int PRIMARY KEY, balance float NOT NULL)")
    exporter.replace(
        "pg_dump",
        f"""
        for argument; do
            case $argument in --file=*) exec "$REAL" --format=custom "$argument" {other.dsn["dbname"]};; esac
        done""",
    )
    assert_fails(exporter, "3 of 3 tables differ from the source, such as public.account: 50 rows")


def test_a_dump_of_the_same_tables_with_other_rows_fails(exporter, business):
    """As many rows, and one of them with another value: what a dump of yesterday would be."""
    exporter.replace(
        "pg_dump",
        f"""
        export PGUSER={business.dsn["user"]} PGPASSWORD={business.dsn["password"]}
        psql --quiet --dbname={DATABASE} --command="UPDATE public.account SET balance = 7 WHERE id = 1"
        for argument; do
            case $argument in --file=*) exec "$REAL" --format=custom "$argument" {DATABASE};; esac
        done""",
    )
    assert_fails(exporter, "1 of 3 tables differ from the source, such as public.account: 50 rows")


def test_a_dump_that_can_not_be_restored_fails(exporter, business):
    """pg_dump is content with this one: the function finds its table in nobody's search path but the owner's."""
    business.execute("CREATE FUNCTION richest() RETURNS float LANGUAGE sql IMMUTABLE "
                     "AS 'SELECT max(balance) FROM account'")  # fmt: skip
    business.execute("ALTER TABLE note ADD CHECK (length(text) < richest())")
    assert_fails(exporter, 'restore.sh ended with status 1: pg_restore: error: COPY failed for table "note": '
                           'ERROR: relation "account" does not exist')  # fmt: skip


def test_a_missing_attachment_fails(exporter, business):
    path = business.attach()
    path.unlink()
    name = path.relative_to(business.filestore)
    assert_fails(exporter, f"missing or damaged attachment files in the filestore: 1, such as: {name} is missing")


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"\0" + content[1:]])
def test_a_damaged_attachment_fails(exporter, business, damage):
    path = business.attach(b"a picture")
    path.write_bytes(damage(b"a picture"))
    name = path.relative_to(business.filestore)
    assert_fails(
        exporter,
        f"missing or damaged attachment files in the filestore: 1, such as: the content of {name} does not match",
    )


def test_attachments_in_an_object_store_are_counted_and_not_looked_for_in_the_filestore(exporter, business):
    """The rows are those of addons for object stores and of Odoo's cloud_storage; links and empty rows don't count."""
    business.execute(
        "INSERT INTO ir_attachment (type, store_fname, checksum) VALUES "
        "('binary', 's3://bucket/ab/abc', 'abc'), ('binary', 's3://bucket/ab/abd', 'abd'), "
        "('cloud_storage', NULL, NULL), ('url', NULL, NULL), ('binary', NULL, 'abc'), ('binary', '', '')"
    )
    for listed, unlisted in {(): "1 in cloud_storage, 2 in s3", ("s3",): "1 in cloud_storage"}.items():
        exporter.configure(elsewhere=list(listed))
        good, said = exporter.run("platform")
        assert good, said
        assert (f"Attachments are in stores that this backup does not reach ({unlisted}): "
                "back those up by other means, and name them in `elsewhere`") in said  # fmt: skip
    with exporter.serving():
        assert exporter.value("backup_attachments_elsewhere", "platform") == 3
        assert exporter.value("backup_attachments_unlisted", "platform") == 1
    exporter.configure(elsewhere=["cloud_storage", "s3"])
    good, said = exporter.run("platform")
    assert good, said
    assert "stores" not in said
    with exporter.serving():
        assert exporter.value("backup_attachments_elsewhere", "platform") == 3
        assert exporter.value("backup_attachments_unlisted", "platform") == 0


@pytest.mark.parametrize("checksum", ["", None])
def test_attachments_without_a_checksum_have_one_in_their_name(exporter, business, checksum):
    path = business.attach(b"a picture")
    other = business.filestore / "by_hand" / "picture.png"
    other.parent.mkdir()
    other.write_bytes(b"another")
    business.execute("INSERT INTO ir_attachment (store_fname) VALUES ('by_hand/picture.png')")
    business.execute("UPDATE ir_attachment SET checksum = %s", checksum)
    good, said = exporter.run("platform")
    assert good, said
    path.write_bytes(b"not the picture")
    exporter.archives.rename(exporter.archives.with_name("old"))
    name = path.relative_to(business.filestore)
    assert_fails(
        exporter,
        f"missing or damaged attachment files in the filestore: 1, such as: the content of {name} does not match",
    )


def test_a_filestore_that_is_not_there_fails(exporter, business):
    shutil.rmtree(business.filestore)
    assert_fails(exporter, f"there is no folder {business.filestore}")


def test_a_database_that_is_not_there_fails(exporter):
    exporter.configure(database="absent")
    assert_fails(exporter, "connection to server")


def test_a_server_that_is_down_fails(exporter):
    exporter.environment["PGPORT"] = "1"
    exporter.configure()
    assert_fails(exporter, "connection to server")


def test_a_program_that_is_missing_fails(exporter):
    exporter.environment["PATH"] = str(exporter.programs)
    exporter.configure()
    assert_fails(exporter, "[Errno 2] No such file or directory: 'pg_dump'")


def test_a_full_disk_fails_and_is_counted(exporter, business, small_disk):
    business.attach(os.urandom(2_000_000))
    assert_fails(exporter, "[Errno 28] No space left on device")
    with exporter.serving():
        assert exporter.jobs("platform") == (1, 0)
