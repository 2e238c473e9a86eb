"""A directory that is deleted under live processes: no counter falls, and none counts what did not happen."""

import os
import shutil
import threading
import time

import pytest

from influencegen_telemetry.business.metrics import CAMPAIGN_APPLICATIONS, IMAGE_LATENCY, REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics import holding
from tests.waiting import until

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
LATENCY = "ai_image_generation_end_to_end_latency_seconds"
ERRORS = "odoo_telemetry_errors_total"


@pytest.fixture
def lose(store):
    """A function that deletes the directory as an administrator does, again if a process adds a file meanwhile."""

    def lose():
        lost = store.directory.path.with_name(f"lost-{time.monotonic_ns()}")
        store.directory.path.rename(lost)
        shutil.rmtree(lost)

    return lose


@pytest.fixture
def worker(store):
    """A function that starts a process that counts one attempt on request.

    It returns (pid, a function that asks it to and waits until it has counted).
    """
    pids = []

    def end(pid):
        pids.remove(pid)
        processes.kill(pid)

    def start():
        orders, order = os.pipe()
        answers, answer = os.pipe()

        def work():
            os.close(order)
            while os.read(orders, 1):
                REGISTRATION_ATTEMPTS.inc(database="db")
                os.write(answer, b".")

        pids.append(processes.start(work))

        def count():
            os.write(order, b".")
            os.read(answers, 1)

        return pids[-1], count

    start.end = end
    yield start
    for pid in pids:
        processes.kill(pid)


def test_nothing_is_lost_with_the_directory(store, total, lose):
    REGISTRATION_ATTEMPTS.inc(5, database="db")
    IMAGE_LATENCY.observe(3.0, database="db")
    lose()
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 6
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 7
    assert total(LATENCY, sample="5.0") == 1
    assert total(ERRORS, ("directory",), database=None) == 1
    assert list(store.databases.settings()) == ["db"]


def test_whoever_notices_restores_the_values_of_all_slots(store, total, lose, worker):
    (_first, count), (second, count_too) = worker(), worker()
    count()
    count_too()
    assert total(ATTEMPTS) == 2
    worker.end(second)
    lose()
    count()
    store.heartbeat.beat()
    assert total(ATTEMPTS) == 3
    count()
    assert processes.run(lambda: REGISTRATION_ATTEMPTS.inc(database="db")) == 0
    assert total(ATTEMPTS) >= 4


def test_a_slot_waits_for_its_holder(store, total, lose, worker):
    pid, count = worker()
    count()
    store.heartbeat.beat()
    store.reader.values()
    lose()
    store.heartbeat.beat()

    def newcomer():
        REGISTRATION_ATTEMPTS.inc(database="db")
        assert store.directory.slot_number() not in (None, 0)

    assert processes.run(newcomer) == 0
    for _ in range(5):
        count()
    until(
        lambda: [info.slot for info in store.directory.live_slots() if info.pid == pid] == [0],
        "a heartbeat of the worker",
    )
    assert total(ATTEMPTS) == 7


def test_a_directory_that_a_newcomer_made_takes_the_lost_values_in(store, total, lose, worker):
    from odoo_telemetry.metrics.settings import Settings

    REGISTRATION_ATTEMPTS.inc(5, database="db")
    _pid, count = worker()
    count()
    store.reader.values()
    lose()

    def newcomer():
        store.databases.publish("db", Settings())
        REGISTRATION_ATTEMPTS.inc(2, database="db")

    # a child that opens nothing of its parent's, as one that is started by itself
    assert processes.run(newcomer) == 0
    assert total(ATTEMPTS) == 8
    count()
    until(lambda: total(ATTEMPTS) == 9, "a heartbeat of the worker")
    store.heartbeat.beat()
    assert total(ATTEMPTS) == 9


def test_no_slot_is_taken_in_a_directory_that_others_made_meanwhile(store, lose, worker):
    _pid, count = worker()
    count()
    store.reader.values()
    lose()
    until(store.directory.path.exists, "a heartbeat of the worker")
    with pytest.raises(FileNotFoundError):
        store.directory._holding.claim("http")
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert [info.slot for info in store.directory.live_slots()] == [0, 1]


def test_what_a_thread_had_in_progress_is_counted(store, total, lose):
    REGISTRATION_ATTEMPTS.inc(database="db")
    view, index = REGISTRATION_ATTEMPTS._cells["db"]
    lose()
    assert total(ATTEMPTS) == 1
    view[index] += 1
    REGISTRATION_ATTEMPTS.inc(database="db")
    store.heartbeat.beat()
    assert total(ATTEMPTS) == 3
    store.heartbeat.beat()
    assert total(ATTEMPTS) == 3


def test_a_directory_that_comes_back_is_gone_on_with(store, total):
    """As when a file system is mounted over it for a while."""
    hidden = store.directory.path.with_name("hidden")
    REGISTRATION_ATTEMPTS.inc(5, database="db")
    store.directory.path.rename(hidden)
    store.heartbeat.beat()
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 6
    shutil.rmtree(store.directory.path)
    hidden.rename(store.directory.path)
    for _ in range(2):
        store.heartbeat.beat()
        REGISTRATION_ATTEMPTS.inc(database="db")
    store.heartbeat.beat()
    assert total(ATTEMPTS) == 8


def test_a_deleted_file_comes_back(store, total):
    REGISTRATION_ATTEMPTS.inc(5, database="db")
    store.reader.values()
    for path in (*store.directory.path.glob("values-*.db"), store.directory.path / "labels"):
        path.unlink(missing_ok=True)
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 6
    assert processes.run(lambda: REGISTRATION_ATTEMPTS.inc(database="db")) == 0
    assert total(ATTEMPTS) == 7


def test_labels_that_were_let_in_stay_in(store, total, lose):
    for campaign in range(3):
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)
    lose()
    assert total("campaign_applications_total", (2,)) == 1
    assert store.limits.counts() == {("db", "campaign_id"): 3}


def test_labels_that_were_let_in_stay_in_a_truncated_file(store, total):
    for campaign in range(3):
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)
    os.truncate(store.directory.path / "labels", 10)
    CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=3)
    assert store.limits.counts()["db", "campaign_id"] == 4
    assert total(ERRORS, ("value",), database=None) == 0


def test_a_directory_deleted_on_purpose_is_not_restored(store, worker):
    _pid, count = worker()
    count()
    REGISTRATION_ATTEMPTS.inc(database="db")
    store.databases.withdraw("db")
    store.directory.remove()
    count()
    time.sleep(1.5)
    assert not store.directory.path.exists()


def test_counters_never_fall_while_the_directory_is_deleted(store, total, lose):
    stop = store.directory.path.parent / "stop"
    done = [store.directory.path.parent / f"done-{number}" for number in range(4)]

    def count(path):
        counted = []

        def run():
            while not stop.exists():
                for _ in range(100):
                    REGISTRATION_ATTEMPTS.inc(database="db")
                    IMAGE_LATENCY.observe(3.0, database="db")
                counted.append(100)
                time.sleep(0.001)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(2):
            store.heartbeat.beat()
        path.write_text(str(sum(counted)))

    def watch():
        seen = 0
        while not stop.exists():
            now = total(ATTEMPTS) or 0
            assert now >= seen
            seen = now

    workers = [processes.start(lambda path=path: count(path)) for path in done]
    watchers = [processes.start(watch) for _ in range(2)]
    for _ in range(6):
        time.sleep(0.7)
        lose()
    time.sleep(1)
    stop.touch()
    assert [processes.wait(pid) for pid in (*workers, *watchers)] == [0] * 6
    counted = sum(int(path.read_text()) for path in done)
    assert total(ATTEMPTS) == counted
    assert total(LATENCY, sample="5.0") == counted


def test_a_series_that_is_new_while_another_thread_restores_the_directory_is_counted(store, total, lose, monkeypatch):
    """The directory is restored after the cell was found and before it is cached for the next time."""
    REGISTRATION_ATTEMPTS.inc(database="db")
    store.heartbeat.stop()
    # what is written to a lost file meanwhile is taken over once, and no later
    monkeypatch.setattr(holding, "_DRAIN_SECONDS", -1)
    restoring = threading.Thread(target=store.directory.restore_if_lost)
    find = store.writer.cell

    def cell(*arguments):
        found = find(*arguments)
        lose()
        restoring.start()
        restoring.join(0.5)
        return found

    monkeypatch.setattr(store.writer, "cell", cell)
    CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="7")
    monkeypatch.setattr(store.writer, "cell", find)
    restoring.join()
    store.directory.maintain()
    CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="7")
    assert total("campaign_applications_total", ("7",)) == 2
