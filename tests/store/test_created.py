"""When series appeared: in OpenMetrics, if it is asked for; kept across workers, restarts and lost directories."""

import shutil
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from odoo_telemetry.metrics import exposition, facts
from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, HTTP_REQUESTS, ORM_CACHE_HITS, WORKERS_BUSY
from odoo_telemetry.metrics.custom import CustomMetric, Reading

from .processes import run

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HTTP = {"route": "/a", "method": "GET", "status_code_class": "2xx"}


def count(route="/a"):
    HTTP_REQUESTS.inc(database="db", user_role="user", **{**HTTP, "route": route})


@pytest.fixture
def text(store, monkeypatch):
    """A function that returns a scrape."""
    # what is known so far is from the directory of another test
    monkeypatch.setattr(facts, "_known", {})

    def scrape(created=True, accept=OPENMETRICS):
        families = exposition.Families(store.databases.settings(), created=created)
        return exposition.encode(families, accept, "")[0].decode()

    return scrape


@pytest.fixture
def created(text):
    """A function that returns {(family, labels but database): Unix time} of a scrape, without telemetry's errors."""

    def scrape():
        return {
            (family.name, *(value for name, value in sample.labels.items() if name != "database")): sample.value
            for family in parse(text())
            for sample in family.samples
            if sample.name.endswith("_created") and family.name != "odoo_telemetry_errors"
        }

    return scrape


def test_it_is_shown_in_openmetrics_alone_and_if_it_is_asked_for(store, text):
    count()
    assert "odoo_http_requests_created{" in text()
    assert "_created" not in text(created=False)
    assert "_created" not in text(accept="text/plain")


def test_a_series_appears_with_its_first_event(store, created):
    before = time.time()
    count()
    between = time.time()
    HTTP_REQUEST_DURATION.observe(1, database="db", **HTTP)
    ORM_CACHE_HITS.inc()
    WORKERS_BUSY.set(1, kind="http")
    after = time.time()
    found = created()
    # rounded to milliseconds
    assert before - 0.001 <= found["odoo_http_requests", "GET", "/a", "2xx", "user"] <= between + 0.001
    assert between - 0.001 <= found["odoo_http_request_duration_seconds", "GET", "/a", "2xx"] <= after + 0.001
    assert between - 0.001 <= found["odoo_orm_cache_hits",] <= after + 0.001
    assert not [family for family, *_labels in found if family == "odoo_workers_busy"]


def test_it_follows_the_samples_of_its_series(store, text):
    count()
    HTTP_REQUEST_DURATION.observe(1, database="db", **HTTP)
    lines = [line.partition(" ")[0] for line in text().splitlines() if "odoo_http_request" in line and line[0] != "#"]
    for last, line in zip(lines, lines[1:], strict=False):
        if "_created" in line:
            assert last.partition("{")[0] in ("odoo_http_requests_total", "odoo_http_request_duration_seconds_sum")
            assert last.partition("{")[2] == line.partition("{")[2]


def test_the_first_worker_that_counted_decides(store, created):
    count()
    first = created()
    assert run(count) == 0
    count("/b")
    assert created().items() >= first.items()


def test_it_outlives_a_restart_and_a_lost_directory(store, created):
    count()
    first = created()
    store.directory.configure(store.directory.path.parent)
    count()
    assert created() == first
    shutil.rmtree(store.directory.path)
    store.heartbeat.beat()
    count()
    assert created().items() >= first.items()


def test_of_what_a_former_version_counted_it_is_not_known(store, created):
    count()
    [(view, index)] = [
        cell for key, cell in store.directory.slot().values.cells().items() if b"odoo_http_requests_total" in key
    ]
    view[index + 1] = 0.0
    assert not [family for family, *_labels in created() if family == "odoo_http_requests"]
    assert run(count) == 0
    assert not [family for family, *_labels in created() if family == "odoo_http_requests"]


def test_a_series_of_facts_appeared_when_it_last_was_not_there(store, created):
    name, there, new = "campaign_applications_total", ("1",), ("2",)
    facts.publish("db", {(name, there, ""): 5.0}, 100.0, [name])
    assert created() == {}, "these were there before the addon was"
    facts.publish("db", {(name, there, ""): 6.0}, 200.0, [name])
    facts.publish("db", {(name, there, ""): 6.0, (name, new, ""): 3.0}, 300.0, [name])
    facts.publish("db", {(name, there, ""): 6.0, (name, new, ""): 4.0}, 400.0, [name])
    assert created() == {("campaign_applications", "2"): 200.0}
    facts.forget("db", lambda metric: metric == name)
    assert created() == {}


def test_facts_that_are_still_being_opened_did_not_just_appear(store, created):
    name = "campaign_applications_total"
    facts.publish("db", {}, 100.0, [])
    facts.publish("db", {(name, ("1",), ""): 1000.0}, 200.0, [])
    facts.publish("db", {(name, ("1",), ""): 1000.0, (name, ("2",), ""): 2000.0}, 300.0, [name])
    assert created() == {}


def test_a_custom_counter_appeared_with_the_first_of_what_it_adds_up(store, created):
    ledger, name = "odoo_custom_orders_total", "odoo_custom_orders_total"
    metric = CustomMetric(
        name, "counter", "Orders.", labels=["team"], ledger=ledger, texts=[[("1", "a"), ("2", "a"), ("3", "b")]]
    )
    store.databases.publish_custom("db", Reading(time.monotonic(), {name: metric}))
    facts.publish("db", {}, 100.0, [ledger])
    facts.publish("db", {(ledger, ("1",), ""): 1.0}, 200.0, [ledger])
    facts.publish("db", {(ledger, (raw,), ""): 1.0 for raw in "123"}, 300.0, [ledger])
    assert created() == {("odoo_custom_orders", "a"): 100.0, ("odoo_custom_orders", "b"): 200.0}
