import contextlib
import os
import shutil

import pytest

from influencegen_telemetry.business.metrics import ACTIVE_INFLUENCERS, CAMPAIGN_APPLICATIONS, REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, WORKERS_BUSY

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
LATENCY = "odoo_http_request_duration_seconds"
BUSY = "odoo_workers_busy"
KEY = (ATTEMPTS, "db", (), "")


@pytest.fixture
def reader(store):
    """A reader of the store's directory."""
    from odoo_telemetry.metrics.reader import Reader

    return Reader(store.directory.path)


@pytest.fixture
def read(store, reader):
    """A function that returns {key: value} of what the reader finds."""
    return lambda: reader.read({info.slot for info in store.directory.live_slots()}).by_key()


@pytest.fixture
def damaged(read):
    """A function that reads a directory with a damaged file, and returns the path that the error names."""
    from odoo_telemetry.metrics.reader import DamagedError

    def path():
        with pytest.raises(DamagedError) as raised:
            read()
        return raised.value.path

    return path


@pytest.fixture
def values(store, read):
    """The path of a file of values that holds 3 attempts and a histogram, and was read."""
    REGISTRATION_ATTEMPTS.inc(3, database="db")
    HTTP_REQUEST_DURATION.observe(0.3, database="db", route="/web", method="GET", status_code_class="2xx")
    assert read()[KEY] == 3
    return store.directory.path / "values-0.db"


def test_it_reads_what_the_store_holds(store, read):
    def work():
        for route in ("/web", "/shop", '/"odd"\n'):
            HTTP_REQUEST_DURATION.observe(0.3, database="db", route=route, method="GET", status_code_class="2xx")
        ACTIVE_INFLUENCERS.set(7, database="db")
        WORKERS_BUSY.add(1, kind="http")

    for _ in range(3):
        assert processes.run(work) == 0
    work()
    read()
    work()
    assert read() == store.reader.values()[0]
    assert read()[LATENCY, "db", ('/"odd"\n', "GET", "2xx"), "0.5"] == 5


def test_files_that_appear_grow_or_are_exchanged_are_followed(store, read):
    for campaign in range(2000):
        # in 500 campaigns at most: the file of 64 KiB grows
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)
        if campaign % 100 == 0:
            found = {key: value for key, value in read().items() if key[0] == "campaign_applications_total"}
            assert sum(found.values()) == campaign + 1
    processes.run(lambda: WORKERS_BUSY.add(1, kind="http"))
    assert (BUSY, None, ("http",), "") not in read()
    WORKERS_BUSY.add(1, kind="http")
    assert read()[BUSY, None, ("http",), ""] == 1


def test_a_file_is_not_called_damaged_while_its_writer_adds_series(tmp_path):
    from odoo_telemetry.metrics.reader import _File
    from odoo_telemetry.metrics.values import SlotValues

    values = SlotValues(tmp_path / "values-0.db")

    def write():
        for number in range(200_000):
            values.cell(f"series {number}")

    file, found = _File(values.path, 0, False), 0
    writer = processes.start(write)
    while not os.waitid(os.P_PID, writer, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        # often enough to meet a write that is not one store
        found += sum(1 for _ in range(1000) for _ in file.new_entries())
    assert processes.wait(writer) == 0
    assert found + sum(1 for _ in file.new_entries()) == 200_000


def test_a_deleted_directory_is_still_read_and_its_content_available(store, reader, read, values):
    content = values.read_bytes()
    shutil.rmtree(store.directory.path)
    reader.refresh()
    REGISTRATION_ATTEMPTS.inc(database="db")
    rescued = reader.contents()
    assert set(rescued) >= {"values-0.db"}
    assert len(rescued["values-0.db"]) == len(content)
    values.parent.mkdir()
    values.write_bytes(rescued["values-0.db"])
    assert reader.read(set()).by_key()[KEY] == 4


CUT = {
    "half": lambda data: data[:1000],
    "odd": lambda data: data[:1003],
    "ones": lambda data: b"\xff" * len(data),
}
ONCE_READ = {**CUT, "empty": lambda data: b"", "zeros": lambda data: bytes(len(data))}
NEW = {
    **CUT,
    "length": lambda data: data[:8] + b"\xff\xff\xff\x7f" + data[12:],
    "JSON": lambda data: data[:12] + b"\xff" + data[13:],
    "UTF-8": lambda data: data.replace(b"/web", b"/we\xff"),
    "type": lambda data: data[:12] + b'{"a": [1, 2]}' + data[25:],
    "unhashable": lambda data: data.replace(b'"db"', b"[{}]"),
    "number": lambda data: data.replace(b'"db"', b"1234"),
}


@pytest.mark.parametrize("damage", ONCE_READ.values(), ids=ONCE_READ)
def test_damage_to_a_file_that_was_read_is_reported_with_its_path(values, read, damaged, damage):
    hurt = damage(values.read_bytes())
    with open(values, "r+b") as file:
        file.write(hurt)
        file.truncate()
    assert damaged() == values
    values.rename(values.with_suffix(".damaged"))
    assert KEY not in read()


@pytest.mark.parametrize("damage", NEW.values(), ids=NEW)
def test_damage_to_a_file_that_is_new_is_reported_with_its_path(values, read, damaged, damage):
    hurt = damage(values.read_bytes())
    values.unlink()
    values.write_bytes(hurt)
    assert damaged() == values
    values.rename(values.with_suffix(".damaged"))
    assert KEY not in read()


def test_a_file_that_its_writer_has_not_filled_yet_is_not_damaged(values, read):
    for content in (b"", bytes(1 << 16)):
        values.unlink()
        values.write_bytes(content)
        assert KEY not in read()


def test_a_value_that_is_not_finite_is_damage(values, damaged):
    data = values.read_bytes()
    at = data.index(b'["' + ATTEMPTS.encode())
    nan = b"\0\0\0\0\0\0\xf8\x7f"
    end = at + int.from_bytes(data[at - 4 : at], "little")
    end += 8 - end % 8
    assert at < end
    with open(values, "r+b") as file:
        file.seek(end)
        file.write(nan)
    assert damaged() == values


def test_what_another_catalogue_wrote_is_not_counted(store, reader, read, values):
    from odoo_telemetry.metrics.values import SlotValues, make_key

    other = SlotValues(store.directory.path / "values-7.db")
    for key in (make_key("gone_total", "db", ()), make_key(ATTEMPTS, "db", ("label",))):
        view, index = other.cell(key)
        view[index] = 5.0
    assert {key: value for key, value in read().items() if value == 5.0} == {}
    assert read()[KEY] == 3


def test_no_file_stays_open_when_it_is_exchanged(reader, read, values):
    def opened():
        """The number of descriptors of the store's files, those that were replaced included."""
        number = 0
        for descriptor in os.listdir("/proc/self/fd"):
            # that of the listing itself is closed by now
            with contextlib.suppress(FileNotFoundError):
                number += os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(values.parent))
        return number

    before = opened()
    for _ in range(20):
        copy = values.with_suffix(".tmp")
        copy.write_bytes(values.read_bytes())
        copy.replace(values)
        assert read()[KEY] == 3
    assert opened() == before
