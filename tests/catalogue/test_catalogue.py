"""The catalogue agrees with itself, and with Prometheus's conventions for names."""

import re

import pytest

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue

METRICS = catalogue.METRICS.values()
SUFFIXES = {"seconds": "_seconds", "bytes": "_bytes", "usd": "_usd"}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names(metric):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.removesuffix("_total").endswith(SUFFIXES.get(metric.unit, ""))
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_words(metric):
    assert metric.kind in ("counter", "gauge", "histogram")
    assert metric.scope in ("database", "instance")
    assert metric.group in ("fast", "system", "business")
    assert metric.merge in ("sum", "max", "latest")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_buckets_and_labels(metric):
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert len({label.name for label in metric.labels}) == len(metric.labels)
    for label in metric.labels:
        assert label.values or 0 < label.limit <= 500


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric.rows], ids=lambda metric: metric.name)
def test_facts_are_of_a_database_and_say_how_rows_become_values(metric):
    assert (metric.scope, metric.producer) == ("database", "odoo")
    assert metric.kind == "gauge" or not metric.window
    for rows in metric.rows:
        # the label of distinct users is their role, which no column has
        assert rows.distinct or len(rows.labels) == len(metric.labels)
        assert bool(rows.value) == (metric.kind == "histogram" or bool(metric.window))
        assert rows.at or not (metric.window or rows.distinct)


def test_no_metric_is_there_twice():
    sections = (
        business.BUSINESS, business.APIS, catalogue.RUNTIME, business.OTHER_PRODUCERS, catalogue.EXPORTER,
    )
    assert sum(map(len, sections)) == len(catalogue.METRICS)
