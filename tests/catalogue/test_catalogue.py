"""The catalogue agrees with itself, and with Prometheus's conventions for names."""

import re

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue

METRICS = catalogue.METRICS.values()
SUFFIXES = {"seconds": "_seconds", "bytes": "_bytes", "usd": "_usd"}


def test_names(subtests):
    for metric in METRICS:
        with subtests.test(metric.name):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
            assert metric.name.endswith("_total") == (metric.kind == "counter")
            assert metric.name.removesuffix("_total").endswith(SUFFIXES.get(metric.unit, ""))
            assert metric.help.endswith(".")


def test_words(subtests):
    for metric in METRICS:
        with subtests.test(metric.name):
            assert metric.kind in ("counter", "gauge", "histogram")
            assert metric.scope in ("database", "instance")
            assert metric.group in ("fast", "system", "business")
            assert metric.merge in ("sum", "max", "latest")


def test_buckets_and_labels(subtests):
    for metric in METRICS:
        with subtests.test(metric.name):
            assert bool(metric.buckets) == (metric.kind == "histogram")
            assert list(metric.buckets) == sorted(set(metric.buckets))
            assert len({label.name for label in metric.labels}) == len(metric.labels)
            for label in metric.labels:
                assert label.values or 0 < label.limit <= 500


def test_facts_are_of_a_database_and_say_how_rows_become_values(subtests):
    for metric in filter(lambda metric: metric.rows, METRICS):
        with subtests.test(metric.name):
            assert (metric.scope, metric.producer) == ("database", "odoo")
            assert metric.kind == "gauge" or not metric.window
            for rows in metric.rows:
                # the label of distinct users is their role, which no column has
                assert rows.distinct or len(rows.labels) == len(metric.labels)
                assert bool(rows.value) == (metric.kind == "histogram" or bool(metric.window))
                assert rows.at or not (metric.window or rows.distinct)


def test_no_metric_is_there_twice():
    sections = (
        business.BUSINESS,
        business.APIS,
        catalogue.RUNTIME,
        business.OTHER_PRODUCERS,
        catalogue.EXPORTER,
    )
    assert sum(map(len, sections)) == len(catalogue.METRICS)
