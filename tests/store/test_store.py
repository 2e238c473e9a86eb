import errno
import os
import sys
import threading
import time

import pytest

from influencegen_telemetry.business.metrics import (
    ACTIVE_INFLUENCERS,
    CAMPAIGN_APPLICATIONS,
    IMAGE_FAILURES,
    IMAGE_LATENCY,
    REGISTRATION_ATTEMPTS,
)
from odoo_telemetry.metrics.catalogue import CRON_DURATION, ERROR_CLASS, HTTP_REQUESTS, UI_PAGE_LOAD_TIME, WORKERS_BUSY
from odoo_telemetry.metrics.settings import Settings

from . import processes

ATTEMPTS = "influencer_registration_attempts_total"
LATENCY = "ai_image_generation_end_to_end_latency_seconds"
BUSY = "odoo_workers_busy"
ERRORS = "odoo_telemetry_errors_total"


def test_values_of_all_processes_add_up(store, total):
    def work():
        for _ in range(1000):
            REGISTRATION_ATTEMPTS.inc(database="db")

    REGISTRATION_ATTEMPTS.inc(database="db")
    workers = [processes.start(work) for _ in range(4)]
    assert [processes.wait(pid) for pid in workers] == [0] * 4
    assert total(ATTEMPTS) == 4001


def test_values_outlive_kill_9_and_files_do_not_pile_up(store, total):
    ready, _ = pipe = os.pipe()

    def work():
        REGISTRATION_ATTEMPTS.inc(database="db")
        os.write(pipe[1], b".")
        time.sleep(60)

    for _ in range(50):
        pid = processes.start(work)
        os.read(ready, 1)
        processes.kill(pid)
    assert total(ATTEMPTS) == 50
    assert store.directory.slot_count() == 1


@pytest.fixture
def in_threads():
    """A function of (number, work) that calls ``work`` in so many threads, which take turns as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def run(number, work):
        threads = [threading.Thread(target=work) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    yield run
    sys.setswitchinterval(interval)


def test_threads_lose_nothing(store, total, in_threads):
    def work():
        for _ in range(20_000):
            REGISTRATION_ATTEMPTS.inc(database="db")
            IMAGE_LATENCY.observe(3.0, database="db")

    in_threads(8, work)
    assert total(ATTEMPTS) == 160_000
    assert total(LATENCY, sample="5.0") == 160_000


def test_scrapes_at_the_same_time_see_each_value_once(store, in_threads):
    for campaign in range(300):
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)
    expected, read = store.reader.values()[0], []
    for _ in range(20):
        # forgets what was decoded
        store.directory.configure(store.directory.path.parent)
        in_threads(4, lambda: read.append(store.reader.values()[0]))
    assert len(read) == 80
    assert all(values == expected for values in read)


def test_a_dead_worker_is_not_busy(store, total):
    store.directory.set_kind("http")
    WORKERS_BUSY.add(1, kind="http")
    processes.run(lambda: WORKERS_BUSY.add(1, kind="http"))
    assert total(BUSY, ("http",), database=None) == 1


def test_a_slot_taken_over_starts_its_live_values_at_zero(store, total):
    processes.run(lambda: WORKERS_BUSY.add(1, kind="http"))
    WORKERS_BUSY.add(0, kind="http")
    assert total(BUSY, ("http",), database=None) == 0


def test_the_latest_gauge_wins(store, total):
    ACTIVE_INFLUENCERS.set(1, database="db")
    processes.run(lambda: ACTIVE_INFLUENCERS.set(2, database="db"))
    assert total("influencer_active") == 2
    ACTIVE_INFLUENCERS.set(3, database="db")
    assert total("influencer_active") == 3


def test_a_gauge_of_before_the_machine_started_does_not_win(store, total, monkeypatch):
    from odoo_telemetry.metrics import clock

    now = clock.now

    def long_ago():
        monkeypatch.setattr(clock, "now", lambda: now() + 86_400)
        ACTIVE_INFLUENCERS.set(1, database="db")

    assert processes.run(long_ago) == 0
    ACTIVE_INFLUENCERS.set(0, database="db")
    assert processes.run(lambda: ACTIVE_INFLUENCERS.set(2, database="db")) == 0
    assert total("influencer_active") == 2


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1, "1", None])
def test_a_bad_amount_is_dropped_and_counted(store, total, amount, caplog):
    REGISTRATION_ATTEMPTS.inc(database="db")
    REGISTRATION_ATTEMPTS.inc(amount, database="db")
    assert total(ATTEMPTS) == 1
    assert total(ERRORS, ("value",), database=None) == 1
    assert "a value was dropped" in caplog.text


@pytest.mark.parametrize(
    "labels, reason",
    [
        ({}, "label"),
        ({"campaign": "1"}, "label"),
        ({"campaign_id": "1", "campaign": "2"}, "label"),
        ({"campaign_id": [1]}, "value"),
    ],
)
def test_labels_that_are_not_the_metrics_are_dropped_and_counted(store, total, labels, reason):
    for lost in (1, 2):
        CAMPAIGN_APPLICATIONS.inc(database="db", **labels)
        assert total(ERRORS, (reason,), database=None) == lost
        # also once the series is known
        CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id="1")
    assert total("campaign_applications_total", ("1",)) == 2


def test_a_label_of_the_instance_has_the_largest_limit_of_all_databases(store):
    store.databases.publish("small", Settings(label_limits={"error_class": 8}))
    assert store.limits.limit(ERROR_CLASS, None) == ERROR_CLASS.limit
    store.databases.publish("large", Settings(label_limits={"error_class": ERROR_CLASS.limit + 1}))
    assert store.limits.limit(ERROR_CLASS, None) == ERROR_CLASS.limit + 1


def test_values_past_a_labels_limit_become_other_in_all_workers(store, total):
    def apply(first, last):
        for campaign in range(first, last):
            CAMPAIGN_APPLICATIONS.inc(database="db", campaign_id=campaign)

    apply(0, 400)
    assert processes.run(lambda: apply(300, 700)) == 0
    apply(600, 700)
    shown = [
        labels for name, _database, labels, _sample in store.reader.values()[0] if name == "campaign_applications_total"
    ]
    assert len(shown) == 501
    assert total("campaign_applications_total", ("other",)) == 300
    assert total("odoo_telemetry_labels_folded_total", ("campaign_id",), database=None) == 300
    assert total("campaign_applications_total", (350,)) == 2


def test_what_browsers_open_does_not_displace_what_the_server_answers(store, total):
    for number in range(550):
        UI_PAGE_LOAD_TIME.observe(1, database="db", route=f"/page/{number}", user_role="user")
    HTTP_REQUESTS.inc(database="db", route="/web/login", method="GET", status_code_class="2xx", user_role="public")
    assert total("odoo_http_requests_total", ("/web/login", "GET", "2xx", "public")) == 1
    assert total("odoo_telemetry_labels_folded_total", ("ui_route",), database=None) == 50
    assert store.limits.counts()["db", "ui_route"] == 500


def test_a_closed_label_takes_only_its_values(store, total):
    IMAGE_FAILURES.inc(database="db", reason="exploded")
    assert total("ai_image_generation_failures_total", ("other",)) == 1


def test_counters_never_decrease_while_workers_come_and_go(store, total):
    stop = store.directory.path.parent / "stop"

    def work():
        for _ in range(200):
            REGISTRATION_ATTEMPTS.inc(database="db")

    def watch():
        seen = 0
        while not stop.exists():
            now = total(ATTEMPTS) or 0
            assert now >= seen
            seen = now

    watchers = [processes.start(watch) for _ in range(2)]
    for _ in range(30):
        assert [processes.wait(pid) for pid in [processes.start(work) for _ in range(4)]] == [0] * 4
    stop.touch()
    assert [processes.wait(pid) for pid in watchers] == [0, 0]
    assert total(ATTEMPTS) == 30 * 4 * 200
    assert store.directory.slot_count() <= 4


def test_a_full_disk_costs_values_and_nothing_else(store):
    resource = pytest.importorskip("resource")

    def work():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
        for job in range(100):
            CRON_DURATION.observe(1.0, database="db", cron=job)
            CRON_DURATION.observe(1.0, database="db", cron=job)
        found = store.reader.values()[0]
        assert found["odoo_cron_duration_seconds", "db", ("0",), "1.0"] == 2
        assert found[ERRORS, None, ("disk",), ""] > 0

    assert processes.run(work) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_read_only_directory_costs_values_and_nothing_else(store):
    for path in (store.directory.path, store.directory.path / "databases"):
        path.chmod(0o755)
    for parent in store.directory.path.parents:
        if parent.stat().st_uid == os.geteuid() and parent.is_relative_to("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)

    def work():
        os.setuid(65534)
        REGISTRATION_ATTEMPTS.inc(database="db")
        IMAGE_LATENCY.observe(1.0, database="db")

    assert processes.run(work) == 0


def test_a_deleted_directory_starts_again_from_zero(store, total):
    from odoo_telemetry.metrics.settings import Settings

    REGISTRATION_ATTEMPTS.inc(5, database="db")
    store.directory.remove()
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert not store.directory.path.exists()
    store.databases.publish("db", Settings())
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert total(ATTEMPTS) == 1


def test_files_that_can_not_be_opened_cost_no_scrape(store, total, monkeypatch):
    from odoo_telemetry.metrics import holding
    from odoo_telemetry.metrics.exposition import Families

    def refuse(path, _damaged):
        raise OSError(30, "Read-only file system", path)

    monkeypatch.setattr(holding, "LabelValues", refuse)
    assert Families(store.databases.settings()).collect()
    assert total(ERRORS, ("disk",), database=None)


def test_nothing_is_stored_while_no_database_is_measured(tmp_path):
    from odoo_telemetry.metrics import store

    store.directory.configure(tmp_path / "store")
    REGISTRATION_ATTEMPTS.inc(database="db")
    assert not (tmp_path / "store").exists()


def test_a_process_that_starts_on_a_read_only_disk_shows_what_is_there(store, total, tmp_path, monkeypatch):
    from odoo_telemetry.metrics import files

    def locked(path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    REGISTRATION_ATTEMPTS.inc(3, database="db")
    store.directory.configure(tmp_path / "store")
    monkeypatch.setattr(files, "locked", locked)
    assert total(ATTEMPTS) == 3
