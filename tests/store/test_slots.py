import os

import pytest

from . import processes


@pytest.fixture
def slots(tmp_path, store):
    from odoo_telemetry.metrics.slots import Slots

    return Slots(tmp_path / "slots")


def test_a_slot_is_taken_over_when_its_holder_ends(slots):
    assert processes.run(lambda: os._exit(slots.claim("http"))) == 0
    assert slots.claim("http") == 0


def test_live_processes_hold_different_slots(slots):
    read, write = os.pipe()
    hold, release = os.pipe()

    def work():
        os.write(write, bytes([slots.claim("cron")]))
        os.close(release)
        os.read(hold, 1)

    pids = [processes.start(work) for _ in range(5)]
    assert sorted(os.read(read, 1)[0] for _ in pids) == [0, 1, 2, 3, 4]
    assert sorted(info.pid for info in slots.live()) == sorted(pids)
    assert {info.kind for info in slots.live()} == {"cron"}
    os.close(release)
    for pid in pids:
        processes.wait(pid)
    assert slots.live() == []


def test_a_child_does_not_share_its_parents_slot(slots):
    assert slots.claim("master") == 0
    assert processes.run(lambda: os._exit(slots.claim("http"))) == 1
    assert [info.kind for info in slots.live()] == ["master"]


def test_a_holder_is_known_by_its_lock_and_not_by_its_pid(slots):
    """A pid that is written down may be another process's by now, or of another PID namespace."""
    read, write = os.pipe()
    hold, release = os.pipe()

    def work():
        slots.claim("http")
        os.write(write, b".")
        os.close(release)
        os.read(hold, 1)

    pid = processes.start(work)
    os.read(read, 1)
    assert [info.pid for info in slots.live()] == [pid]
    os.close(release)
    processes.wait(pid)


def test_a_pid_that_two_namespaces_use_does_not_prove_life(slots, monkeypatch):
    own = os.getpid()

    def work():
        monkeypatch.setattr(os, "getpid", lambda: own)
        slots.claim("http")

    assert processes.run(work) == 0
    assert slots.live() == []


def test_a_reserved_slot_waits_for_its_holder(slots, monkeypatch):
    from odoo_telemetry.metrics import clock
    from odoo_telemetry.metrics import slots as module

    slots.reserve(0, "http")
    assert slots.claim("http", 0) == 0
    slots.reserve(1, "http")
    assert processes.run(lambda: os._exit(slots.claim("cron"))) == 2
    later = clock.now() + module.RESERVED_SECONDS
    monkeypatch.setattr(clock, "now", lambda: later)
    assert processes.run(lambda: os._exit(slots.claim("cron"))) == 1


def test_a_reservation_of_an_earlier_run_of_the_machine_is_none(slots, monkeypatch):
    from odoo_telemetry.metrics import clock

    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + 86400)
    slots.reserve(0, "http")
    monkeypatch.undo()
    assert slots.claim("http") == 0
