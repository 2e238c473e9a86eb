import os

import pytest

from . import processes


@pytest.fixture
def slots(tmp_path, store):
    from metrics.slots import Slots

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
