"""What a process does once a second by itself."""

import os
import threading
import time

import pytest

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

    store.on_heartbeat(beat)
    yield seen
    store.off_heartbeat(beat)


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_that_measures_has_one_heartbeat(store, beats):
    until(lambda: not threads())  # of an earlier test
    for _ in range(3):
        store.inc(ATTEMPTS, database="db")
    [thread] = threads()
    assert thread.daemon
    until(lambda: beats)


def test_a_child_has_its_own(store, beats):
    store.inc(ATTEMPTS, database="db")

    def work():
        assert not threads()
        store.inc(ATTEMPTS, database="db")
        until(lambda: os.getpid() in beats)

    assert processes.run(work) == 0


def test_where_nothing_is_measured_is_none(tmp_path):
    from odoo_telemetry.metrics import store

    store.configure(tmp_path / "store")
    until(lambda: not threads())  # of an earlier test
    store.inc(ATTEMPTS, database="db")
    store.read()
    assert not threads()


def test_it_ends_with_what_it_is_for(store):
    store.inc(ATTEMPTS, database="db")
    store.remove()
    until(lambda: not threads())


def test_a_process_that_is_asked_for_nothing_is_alive(store):
    def work():
        store.set_kind("gevent")
        store.on_heartbeat(lambda: store.inc("odoo_worker_cpu_seconds_total", ("gevent",), 0.0))
        store.start_heartbeat()
        time.sleep(60)

    pid = processes.start(work)
    until(lambda: [(info.pid, info.kind) for info in store.live_slots()] == [(pid, "gevent")])
    processes.kill(pid)


def test_what_fails_costs_the_others_nothing(store, beats):
    def fail():
        raise ZeroDivisionError

    store._shared._beats.insert(0, fail)
    store.heartbeat()
    store.off_heartbeat(fail)
    assert beats


def test_it_does_not_keep_a_process_from_ending(store):
    import subprocess
    import sys

    program = f"""
from influencegen_telemetry import business
from odoo_telemetry.metrics import store
store.configure({str(store.directory().parent)!r})
store.inc({ATTEMPTS!r}, database="db")
"""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
    assert time.monotonic() - begun < 10
    assert store.read()[0][ATTEMPTS, "db", (), ""] == 1
