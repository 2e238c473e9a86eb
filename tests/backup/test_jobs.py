"""Jobs are counted whatever happens to them, archives are complete or not there, and the exporter goes on."""

import json
import signal
import subprocess
import time

import pytest

from tests.waiting import until

pytestmark = pytest.mark.system


def stop_at_dump(exporter):
    """Let pg_dump stand still; return a function that says whether it does."""
    sign = exporter.programs / "at-dump"
    exporter.replace("pg_dump", f"touch {sign}; exec sleep 600")
    return sign.exists


def go_on(exporter):
    (exporter.programs / "pg_dump").unlink()
    (exporter.programs / "at-dump").unlink()


def test_a_job_that_never_ran_has_its_series(exporter):
    at_dump = stop_at_dump(exporter)
    with exporter.serving():
        until(at_dump, "the first job has begun")
        assert exporter.jobs("platform") == (0, 0)
        assert exporter.value("backup_last_success_timestamp_seconds", "platform") == 0
        assert exporter.value("backup_schedule_seconds", "platform") == 3600
        assert exporter.value("backup_job_duration_seconds", "platform") is None
        assert exporter.value("backup_size_bytes", "platform") is None


def test_the_first_backup_waits_until_its_zero_was_scraped(exporter):
    at_dump = stop_at_dump(exporter)
    with exporter.serving("/favicon.ico"):
        # enough for a job to begin, if it did not wait
        time.sleep(1)
        scraped = time.time()
        assert exporter.jobs("platform") == (0, 0)
        until(at_dump, "the first job has begun")
        assert json.loads((exporter.archives / "platform.json").read_text())["began"] >= scraped


def test_what_is_counted_outlives_the_exporter(exporter, business):
    with exporter.serving():
        until(lambda: exporter.jobs("platform") == (1, 1), "the first job has ended")
        business.attach().unlink()
        assert not exporter.run("platform")[0]
        assert exporter.jobs("platform") == (2, 1)
        before = exporter.text()
    [archive] = exporter.complete("platform")
    with exporter.serving():
        assert exporter.text() == before
        assert exporter.value("backup_size_bytes", "platform") == sum(
            path.stat().st_size for path in archive.rglob("*") if path.is_file()
        )
    assert len(exporter.complete("platform")) == 1, "nothing was due"


def test_a_killed_job_is_counted_as_failed_at_the_next_start(exporter):
    at_dump = stop_at_dump(exporter)
    with exporter.serving() as process:
        until(at_dump, "a job has begun")
        process.kill()
        process.wait()
    assert exporter.complete("platform") == []
    assert len(exporter.leftovers()) == 1
    go_on(exporter)
    with exporter.serving():
        until(lambda: exporter.jobs("platform") == (1, 0), "the killed job is counted")
        assert "the job that began at" in exporter.log.read_text()
        assert exporter.run("platform")[0]
        assert exporter.jobs("platform") == (2, 1)
    assert exporter.leftovers() == []


def test_a_job_that_is_asked_to_end_clears_up(exporter, business):
    at_dump = stop_at_dump(exporter)
    with exporter.serving() as process:
        until(at_dump, "a job has begun")
        [child] = subprocess.run(["pgrep", "--parent", str(process.pid)], capture_output=True, text=True).stdout.split()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert subprocess.run(["kill", "-0", child], capture_output=True).returncode, "pg_dump still runs"
    assert exporter.complete("platform") == exporter.leftovers() == []


def test_one_backup_is_not_made_twice_at_a_time(exporter):
    at_dump = stop_at_dump(exporter)
    with exporter.serving():
        until(at_dump, "a job has begun")
        good, said = exporter.run("platform")
        assert not good
        assert said.strip() == "platform is being backed up by another process: wait for it."
        assert exporter.jobs("platform") == (0, 0)


def test_a_failed_job_is_followed_by_the_next(exporter, business):
    path = business.attach(b"a picture")
    path.unlink()
    exporter.configure(every_seconds=1)
    with exporter.serving():
        until(lambda: exporter.jobs("platform")[0] >= 2, "two jobs have failed")
        assert exporter.jobs("platform")[1] == 0
        path.write_bytes(b"a picture")
        until(lambda: exporter.jobs("platform")[1] >= 1, "a job has succeeded")
        total, success = exporter.jobs("platform")
        assert total > success


def test_an_exporter_whose_folder_disappears_goes_on_counting(exporter):
    exporter.configure(every_seconds=1)
    with exporter.serving():
        until(lambda: exporter.jobs("platform")[1] >= 1, "a job has succeeded")
        exporter.archives.rename(exporter.archives.with_name("unmounted"))
        failed = exporter.jobs("platform")
        until(lambda: exporter.jobs("platform")[0] > failed[0] + 1, "jobs are counted as failed")
    assert not exporter.archives.exists(), "what was a disk is now a folder that fills another one"


def test_the_newest_are_kept(exporter, business):
    made = []
    for _time in range(5):
        assert exporter.run("platform")[0]
        made.append(exporter.complete("platform")[-1])
    assert exporter.complete("platform") == made[-3:]


def test_failed_jobs_delete_nothing(exporter, business):
    assert exporter.run("platform")[0]
    [archive] = exporter.complete("platform")
    business.attach().unlink()
    for _time in range(4):
        assert not exporter.run("platform")[0]
    assert exporter.complete("platform") == [archive]


def test_archives_are_for_the_owner_alone(exporter):
    assert exporter.run("platform")[0]
    [archive] = exporter.complete("platform")
    assert archive.stat().st_mode & 0o777 == 0o700


def test_a_damaged_record_is_named(exporter):
    exporter.archives.mkdir()
    (exporter.archives / "platform.json").write_text("{")
    good, said = exporter.run("platform")
    assert not good
    assert f"{exporter.archives}/platform.json is damaged" in said
