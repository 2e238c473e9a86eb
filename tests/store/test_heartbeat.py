"""What a process does once a second by itself."""

import os
import threading
import time

import pytest

from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics.catalogue import WORKER_CPU_SECONDS
from odoo_telemetry.metrics.settings import Settings
from tests.waiting import until

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
NAME = "odoo_telemetry.heartbeat"


def threads():
    return [thread for thread in threading.enumerate() if thread.name == NAME]


@pytest.fixture
def beats(store):
    """The pids that a heartbeat was seen in, one for each."""
    seen = []

    def beat():
        seen.append(os.getpid())

    store.heartbeat.add(beat)
    yield seen
    store.heartbeat.remove(beat)


def test_a_process_that_measures_has_one_heartbeat(store, beats):
    until(lambda: not threads(), "no heartbeat is left")  # of an earlier test
    for _ in range(3):
        REGISTRATION_ATTEMPTS.inc(database="db")
    [thread] = threads()
    assert thread.daemon
    until(lambda: beats, "a beat")


def test_a_child_has_its_own(store, beats):
    REGISTRATION_ATTEMPTS.inc(database="db")

    def work():
        assert not threads()
        REGISTRATION_ATTEMPTS.inc(database="db")
        until(lambda: os.getpid() in beats, "a beat of this process")

    assert processes.run(work) == 0


def test_where_nothing_is_measured_is_none(tmp_path):
    from odoo_telemetry.metrics import store

    store.directory.configure(tmp_path / "store")
    until(lambda: not threads(), "no heartbeat is left")  # of an earlier test
    REGISTRATION_ATTEMPTS.inc(database="db")
    store.reader.values()
    assert not threads()


def test_a_process_that_has_deleted_all_values_is_alive_once_something_is_measured_again(store):
    def work():
        store.heartbeat.add(lambda: WORKER_CPU_SECONDS.inc(0.0, kind="http"))
        REGISTRATION_ATTEMPTS.inc(database="db")
        store.databases.withdraw("db")
        store.directory.remove()
        time.sleep(60)

    pid = processes.start(work)
    until(lambda: not store.directory.path.exists(), "the values are deleted")
    store.databases.publish("db", Settings())
    until(lambda: [info.pid for info in store.directory.live_slots()] == [pid], "the process is alive")
    processes.kill(pid)


def test_a_process_that_is_asked_for_nothing_is_alive(store):
    def work():
        store.directory.set_kind("gevent")
        store.heartbeat.add(lambda: WORKER_CPU_SECONDS.inc(0.0, kind="gevent"))
        store.heartbeat.start()
        time.sleep(60)

    pid = processes.start(work)
    until(
        lambda: [(info.pid, info.kind) for info in store.directory.live_slots()] == [(pid, "gevent")],
        "the slot of the gevent worker",
    )
    processes.kill(pid)


def test_what_fails_costs_the_others_nothing(store, beats):
    def fail():
        raise ZeroDivisionError

    store.heartbeat._functions.insert(0, fail)
    store.heartbeat.beat()
    store.heartbeat.remove(fail)
    assert beats


def test_it_does_not_keep_a_process_from_ending(store):
    import subprocess
    import sys

    program = f"""
from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics import store
store.directory.configure({str(store.directory.path.parent)!r})
REGISTRATION_ATTEMPTS.inc(database="db")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert store.reader.values()[0][ATTEMPTS, "db", (), ""] == 1
