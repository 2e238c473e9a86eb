"""Custom metrics beside the catalogue's: what a database's administrator defined, as the exposition shows it."""

import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def publish(store):
    """A function that publishes custom metrics (name, kind, label names, series) of a database, read ``age`` s ago."""
    from odoo_telemetry.metrics import facts
    from odoo_telemetry.metrics.custom import CustomMetric, Reading

    def publish(*metrics, database="db", age=0, **values):
        now = time.monotonic()
        custom = {
            name: CustomMetric(
                name, kind, "Of a test.", labels=labels, read_at=now - age, tried_at=now - age, **values,
                ledger=f"{name}{{}}", series=series if kind == "gauge" else [],
                texts=[[[f"raw {one[place]}", one[place]] for one, _value in series] for place in range(len(labels))],
            )
            for name, kind, labels, series in metrics
        }  # fmt: skip
        store.databases.publish_custom(database, Reading(now, custom))
        facts.publish(
            database,
            {
                (f"{name}{{}}", tuple(f"raw {text}" for text in labels), ""): value
                for name, kind, _labels, series in metrics
                if kind == "counter"
                for labels, value in series
            },
            0.0,
            [],
        )

    return publish


def exposed(store, names=()):
    """Return {(series name, labels): value} of all custom metrics in an exposition of all databases."""
    from odoo_telemetry.metrics.exposition import Families, encode

    body, _headers = encode(Families(store.databases.settings(), names=names), OPENMETRICS, "")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_openmetrics(body.decode())
        if family.name.startswith("odoo_custom_")
        for sample in family.samples
    }


def test_a_gauge_and_a_counter(store, publish):
    publish(
        ("odoo_custom_jobs", "gauge", ["state"], [[["done"], 2.0], [["failed"], 0.0]]),
        ("odoo_custom_made_total", "counter", [], [[[], 5.0]]),
    )
    assert exposed(store) == {
        ("odoo_custom_jobs", (("database", "db"), ("state", "done"))): 2.0,
        ("odoo_custom_jobs", (("database", "db"), ("state", "failed"))): 0.0,
        ("odoo_custom_made_total", (("database", "db"),)): 5.0,
    }
    assert len(exposed(store, names=["odoo_custom_made"])) == 1


def test_a_reading_replaces_the_one_before(store, publish):
    publish(("odoo_custom_jobs", "gauge", ["state"], [[["done"], 2.0]]))
    publish(("odoo_custom_jobs", "gauge", ["queue", "state"], [[["root", "done"], 3.0]]))
    labels = (("database", "db"), ("queue", "root"), ("state", "done"))
    assert exposed(store) == {("odoo_custom_jobs", labels): 3.0}


def test_what_was_read_long_ago_is_not_shown(store, publish):
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), age=601)
    assert exposed(store) == {}


def test_what_rested_for_longer_is_shown_for_longer(store, publish):
    now = time.monotonic()
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), age=601, due_at=now)
    assert len(exposed(store)) == 1
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), age=1210, due_at=now - 700)
    assert exposed(store) == {}


def test_what_was_read_in_the_future_is_not_shown_and_due(store, publish):
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), age=-86_400, due_at=time.monotonic() + 86_500)
    assert exposed(store) == {}
    [metric] = store.databases.custom("db").metrics.values()
    assert metric.waits_since(time.monotonic()) is not None


def test_a_metric_is_left_alone_until_it_is_due(store, publish):
    now = time.monotonic()
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), due_at=now + 100)
    [metric] = store.databases.custom("db").metrics.values()
    assert [metric.waits_since(now + later) for later in (1, 99, 100, 101)] == [None, None, now + 100, now + 100]


def test_a_counter_never_falls_and_needs_no_reading(store, publish):
    publish(("odoo_custom_made_total", "counter", ["state"], [[["done"], 5.0]]))
    publish(("odoo_custom_made_total", "counter", ["state"], [[["done"], 3.0]]), age=100_000)
    assert exposed(store) == {("odoo_custom_made_total", (("database", "db"), ("state", "done"))): 5.0}


def test_a_value_without_a_name_waits_for_one_and_two_of_one_name_are_added(store, publish):
    from odoo_telemetry.metrics import facts

    publish(("odoo_custom_made_total", "counter", ["state"], [[["done"], 5.0]]))
    facts.publish("db", {("odoo_custom_made_total{}", (7,), ""): 2.0}, 0.0, [])
    assert exposed(store) == {("odoo_custom_made_total", (("database", "db"), ("state", "done"))): 5.0}
    reading = store.databases.custom("db")
    [metric] = reading.metrics.values()
    metric.texts = [[*metric.texts[0], [7, "done"]]]
    store.databases.publish_custom("db", reading)
    assert exposed(store) == {("odoo_custom_made_total", (("database", "db"), ("state", "done"))): 7.0}


def test_a_counter_that_is_forgotten_begins_at_zero(store, publish):
    from odoo_telemetry.metrics import facts

    publish(
        ("odoo_custom_made_total", "counter", [], [[[], 5.0]]), ("odoo_custom_born_total", "counter", [], [[[], 6.0]])
    )
    facts.forget("db", lambda name: name == "odoo_custom_made_total{}")
    publish(
        ("odoo_custom_made_total", "counter", [], [[[], 0.0]]), ("odoo_custom_born_total", "counter", [], [[[], 0.0]])
    )
    assert {name: value for (name, _labels), value in exposed(store).items()} == {
        "odoo_custom_made_total": 0.0,
        "odoo_custom_born_total": 6.0,
    }


def test_databases_define_for_themselves(store, publish):
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("other", Settings())
    publish(("odoo_custom_jobs", "gauge", ["state"], [[["done"], 2.0]]))
    publish(("odoo_custom_jobs", "gauge", ["queue"], [[["root"], 3.0]]), database="other")
    assert exposed(store) == {
        ("odoo_custom_jobs", (("database", "db"), ("state", "done"))): 2.0,
        ("odoo_custom_jobs", (("database", "other"), ("queue", "root"))): 3.0,
    }


def test_one_name_is_one_kind_in_one_exposition(store, publish):
    from odoo_telemetry.metrics.settings import Settings

    store.databases.publish("other", Settings())
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]))
    publish(("odoo_custom_jobs_total", "counter", [], [[[], 3.0]]), database="other")
    assert len(exposed(store)) == 1
    assert store.reader.values()[0]["odoo_telemetry_errors_total", None, ("custom_metric",), ""] == 1


def test_a_database_that_is_not_measured_has_none(store, publish):
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]))
    store.databases.withdraw("db")
    assert not store.databases.custom("db").metrics
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]), database="unknown")
    assert not store.databases.custom("unknown").metrics
    assert not list(store.directory.path.rglob("own-*"))


def test_a_damaged_reading_costs_the_custom_metrics_only(store, publish):
    publish(("odoo_custom_jobs", "gauge", [], [[[], 2.0]]))
    [path] = store.directory.path.rglob("own-*.json")
    temporary = path.with_suffix(".tmp")
    temporary.write_text('{"read_at": 0')
    temporary.replace(path)
    assert exposed(store) == {}
    assert store.reader.values()[0]["odoo_telemetry_errors_total", None, ("custom_metric",), ""] >= 1
