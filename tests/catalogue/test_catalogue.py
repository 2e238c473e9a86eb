"""The catalogue agrees with itself, and with Prometheus's conventions for names."""

import re

import pytest
from metrics import catalogue

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
def test_facts_are_counters_of_a_database(metric):
    assert (metric.kind, metric.scope, metric.producer) == ("counter", "database", "odoo")
    for rows in metric.rows:
        assert len(rows.labels) == len(metric.labels)


def test_no_metric_is_there_twice():
    sections = (
        catalogue.BUSINESS, catalogue.APIS, catalogue.RUNTIME, catalogue.OTHER_PRODUCERS, catalogue.EXPORTER,
    )
    assert sum(map(len, sections)) == len(catalogue.METRICS)
