"""Files that hold what nobody wrote: each costs its own values, once, and is counted once."""

import os

import pytest

from influencegen_telemetry.business.metrics import CAMPAIGN_APPLICATIONS, REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics.catalogue import CRON_DURATION

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
ERRORS = "odoo_telemetry_errors_total"


def _truncated(content):
    return content[: len(content) // 2]


def _garbage(content):
    return b"\xff" * len(content)


def _wrong_json(content):
    return content.replace(b'["influencer', b'{"influencer')


def _not_a_key(content):
    at = content.index(b'["influencer_registration')
    return content[:at] + b"[1, 2]   " + content[at + 9 :]


def _huge_key(content):
    at = content.index(b'["influencer_registration')
    return content[: at - 4] + b"\xff\xff\xff\x7f" + content[at:]


def _negative_key(content):
    at = content.index(b'["influencer_registration')
    return content[: at - 4] + b"\xff\xff\xff\xff" + content[at:]


def _huge_use(content):
    return b"\xf8\xff\xff\x7f" + content[4:]


def _odd_size(content):
    return content[:-3]


def _tiny(content):
    return content[:5]


DAMAGES = [_truncated, _garbage, _wrong_json, _not_a_key, _huge_key, _negative_key, _huge_use, _odd_size, _tiny]


@pytest.fixture
def damage(store):
    """A function that damages the file of a process that has ended, whose 40 KiB are used; returns its path."""

    def damage(function):
        def fill():
            for campaign in range(400):
                CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)
            REGISTRATION_ATTEMPTS.inc(database="db")

        assert processes.run(fill) == 0
        path = store.directory.path / "values-0.db"
        path.write_bytes(function(path.read_bytes()))
        return path

    return damage


@pytest.mark.parametrize("function", DAMAGES)
def test_a_writer_sets_a_damaged_file_aside(store, total, damage, function):
    path = damage(function)
    for _ in range(3):
        REGISTRATION_ATTEMPTS.inc(database="db")
    assert (store.directory.slot_number(), total(ATTEMPTS)) == (0, 3)
    assert total(ERRORS, ("damaged",), database=None) == 1
    assert total(ERRORS, ("value",), database=None) == 0
    assert path.with_suffix(".damaged").exists()


@pytest.mark.parametrize("function", DAMAGES)
def test_a_reader_sets_a_damaged_file_aside(store, total, damage, function):
    path = damage(function)
    for _ in range(3):
        assert total(ERRORS, ("damaged",), database=None) == 1
    assert path.with_suffix(".damaged").exists() and not path.exists()
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 1


def test_an_empty_file_is_filled(store, total, damage):
    damage(lambda _content: b"")
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 1


def test_the_holder_of_a_damaged_file_writes_it_again(store, total):
    REGISTRATION_ATTEMPTS.inc(5, database="db")
    path = store.directory.path / "values-0.db"
    at = path.read_bytes().index(b'["influencer_registration')
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"{")
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 6
    assert total(ERRORS, ("damaged",), database=None) == 1


def test_lines_of_labels_that_can_not_be_read_are_left_out(store, total):
    CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="1")
    with open(store.directory.path / "labels", "ab") as file:
        file.write(b"\xff\xfe\n[1]\n{}\n[[], {}, 1]\nhalf a line")

    def work():
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="2")
        assert store.limits.counts() == {("db", "campaign_id"): 2}

    assert processes.run(work) == 0
    assert total("campaign_applications_total", ("2",)) == 1
    assert total(ERRORS, ("value",), database=None) == 0
    assert total(ERRORS, ("damaged",), database=None) >= 1


def test_damaged_settings_are_left_out_and_published_again(store, total):
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("other_db", Settings())
    path = store.directory.path / "databases" / "settings-db.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(b"{")
    temporary.replace(path)
    assert list(store.databases.settings()) == ["other_db"]
    assert total(ERRORS, ("damaged",), database=None) >= 1
    store.databases.publish("db", Settings())
    assert sorted(store.databases.settings()) == ["db", "other_db"]


def test_a_full_disk_makes_no_counter_of_errors_fall(store, total):
    resource = pytest.importorskip("resource")
    read, write = os.pipe()
    go_on, go = os.pipe()

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, 1 << 10))
        for job in range(50):
            CRON_DURATION.observe(1.0, database="db", cron=job)
        os.write(write, b"%08d" % total(ERRORS, ("disk",), database=None))
        os.read(go_on, 1)

    REGISTRATION_ATTEMPTS.inc(database="db")
    pid = processes.start(full)
    seen = int(os.read(read, 8))
    assert total(ERRORS, ("disk",), database=None) >= seen > 0
    os.write(go, b".")
    processes.wait(pid)
    assert total(ERRORS, ("disk",), database=None) >= seen


def test_errors_that_can_not_be_stored_are_shown_by_no_worker(store, total, monkeypatch):
    from odoo_telemetry.metrics import holding

    def refuse(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(holding.Holding, "share", refuse)
    monkeypatch.setattr(holding.Holding, "claim", refuse)
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ERRORS, ("disk",), database=None) == 0
    monkeypatch.undo()
    assert total(ERRORS, ("disk",), database=None) == 1
