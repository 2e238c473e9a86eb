"""Upgrades: a metric was added or changed, or the former build named the directory after the whole catalogue."""

import json
import os
import time
from unittest.mock import patch

import pytest
from prometheus_client.mmap_dict import MmapedDict

from influencegen_telemetry.business.metrics import CAMPAIGN_APPLICATIONS, MODEL, REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics.catalogue import METRICS, Counter

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
LATENCY = "ai_image_generation_end_to_end_latency_seconds"
CAMPAIGN = "campaign_applications_total"
ERRORS = "odoo_telemetry_errors_total"


@pytest.fixture
def former(tmp_path):
    """A function that writes the directory of a former build with values {(metric, database, labels, sample): value}.

    It takes the slot and the name of the directory, and returns its path.
    """

    def write(values, slot=0, name="0123456789ab"):
        directory = tmp_path / name
        (directory / "databases").mkdir(parents=True, exist_ok=True)
        (directory / "databases" / "settings-db.json").write_text(json.dumps({"presence_seconds": 7}))
        (directory / "labels").write_text(json.dumps(["db", "campaign_id", "12"]) + "\n")
        (directory / "slots").write_bytes(bytes(32))
        content = MmapedDict(directory / f"values-{slot}.db")
        for key, value in values.items():
            content.write_value(json.dumps(key), value, 0.0)
        content.close()
        return directory

    return write


@pytest.fixture
def upgraded(tmp_path):
    """A function that starts the present build, and returns its store."""
    from odoo_telemetry.metrics import store

    def start():
        store.directory.configure(tmp_path)
        return store

    yield start
    store.directory.configure(os.devnull)


@pytest.fixture
def catalogue():
    """The metrics that are declared, which the test may change: afterwards they are as before, in the same order."""
    with patch.dict(METRICS):
        yield METRICS


def test_an_upgrade_carries_all_values_over(former, upgraded):
    for slot in range(2):
        directory = former(
            {
                (ATTEMPTS, "db", (), ""): 3.0,
                (CAMPAIGN, "db", ("12",), ""): 2.0,
                (LATENCY, "db", (), "sum"): 8.0,
                (LATENCY, "db", (), "10.0"): 1.0,
                ("gone_total", None, (), ""): 1.0,
            },
            slot,
        )
    store = upgraded()
    REGISTRATION_ATTEMPTS.inc(database="db")
    values = store.reader.values()[0]
    assert values[ATTEMPTS, "db", (), ""] == 7
    assert values[CAMPAIGN, "db", ("12",), ""] == 4
    assert (values[LATENCY, "db", (), "sum"], values[LATENCY, "db", (), "10.0"]) == (16, 2)
    assert store.databases.settings()["db"].presence_seconds == 7
    assert store.limits.counts() == {("db", "campaign_id"): 1}
    assert not directory.exists()


def test_a_metric_that_is_declared_later_is_carried_over(former, upgraded, catalogue):
    """Odoo loads telemetry before the addons that declare metrics of their own."""
    metric = catalogue.pop(CAMPAIGN)
    former({(CAMPAIGN, "db", ("12",), ""): 2.0})
    store = upgraded()
    store.reader.values()
    catalogue[CAMPAIGN] = metric
    assert store.reader.values()[0][CAMPAIGN, "db", ("12",), ""] == 2


def test_it_is_done_once(former, upgraded):
    former({(ATTEMPTS, "db", (), ""): 3.0})
    for _ in range(2):
        store = upgraded()
        assert store.reader.values()[0][ATTEMPTS, "db", (), ""] == 3
    former({(ATTEMPTS, "db", (), ""): 100.0})
    assert upgraded().reader.values()[0][ATTEMPTS, "db", (), ""] == 3


def test_the_newest_of_several_is_taken(former, upgraded):
    old = former({(ATTEMPTS, "db", (), ""): 3.0})
    former({(ATTEMPTS, "db", (), ""): 5.0}, name="ba9876543210")
    os.utime(old, (1, 1))
    assert upgraded().reader.values()[0][ATTEMPTS, "db", (), ""] == 5
    assert not old.exists()


def test_one_that_is_in_use_is_taken_and_stays(former, upgraded):
    from odoo_telemetry.metrics.slots import Slots

    used = former({(ATTEMPTS, "db", (), ""): 3.0})
    newer = former({(ATTEMPTS, "db", (), ""): 5.0}, name="ba9876543210")
    os.utime(used, (1, 1))
    read, write = os.pipe()

    def hold():
        slots = Slots(used / "slots")
        slots.claim("http")
        os.write(write, b".")
        time.sleep(60)

    pid = processes.start(hold)
    os.read(read, 1)
    assert upgraded().reader.values()[0][ATTEMPTS, "db", (), ""] == 3
    assert used.exists() and not newer.exists()
    processes.kill(pid)
    upgraded()
    assert not used.exists()


def test_a_damaged_file_of_a_former_build_costs_its_values_only(former, upgraded):
    directory = former({(ATTEMPTS, "db", (), ""): 3.0})
    (directory / "values-1.db").write_bytes(b"\xff" * 1000)
    store = upgraded()
    assert store.reader.values()[0][ATTEMPTS, "db", (), ""] == 3
    assert store.reader.values()[0][ERRORS, None, ("damaged",), ""] == 1


def test_another_metric_resets_nothing(upgraded, catalogue):
    from odoo_telemetry.metrics.settings import Settings

    store = upgraded()
    store.databases.publish("db", Settings())
    REGISTRATION_ATTEMPTS.inc(3, database="db")
    another = Counter("another_total", "Another one.")
    store = upgraded()
    another.inc(database="db")
    values = store.reader.values()[0]
    assert (values[ATTEMPTS, "db", (), ""], values["another_total", "db", (), ""]) == (3, 1)
    assert METRICS[ATTEMPTS].kind == "counter"


def test_a_metric_of_another_shape_starts_over_alone(upgraded, catalogue):
    from odoo_telemetry.metrics.settings import Settings

    store = upgraded()
    store.databases.publish("db", Settings())
    REGISTRATION_ATTEMPTS.inc(3, database="db")
    CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="12")
    del catalogue[CAMPAIGN]
    reshaped = Counter(CAMPAIGN, CAMPAIGN_APPLICATIONS.help, labels=(MODEL,))
    store = upgraded()
    values = store.reader.values()[0]
    assert values[ATTEMPTS, "db", (), ""] == 3
    assert (CAMPAIGN, "db", ("12",), "") not in values
    reshaped.inc(database="db", model="sdxl")
    assert store.reader.values()[0][CAMPAIGN, "db", ("sdxl",), ""] == 1
