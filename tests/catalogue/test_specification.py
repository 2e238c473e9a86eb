"""The catalogue answers every metric of the specification, as it asks."""

import csv
import io
import re

import pytest

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue

from .specification import FIELDS, SPECIFICATION, TABLE, read_specification, read_table

PRODUCED_HERE = ("odoo", "browser", "backup")


def test_the_table_is_what_the_specification_says():
    if not SPECIFICATION.exists():
        pytest.skip("the specification is not beside this checkout")
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(read_specification())
    assert TABLE.read_text() == text.getvalue()


def test_all_metrics_and_no_others():
    names = [row["name"] for row in read_table()]
    assert len(names) == len(set(names)) == 48
    assert set(business.SPECIFICATION) == set(names)


@pytest.mark.parametrize("row", read_table(), ids=lambda row: row["name"])
def test_a_metric_is_as_specified(row):
    requirement = business.SPECIFICATION[row["name"]]
    assert (requirement.kind, requirement.unit) == (row["type"], row["unit"])
    if row["interval"]:
        seconds = re.fullmatch(r"(\d+)s", row["interval"])
        assert requirement.interval == (int(seconds[1]) if seconds else row["interval"].replace(" ", "_"))
    for threshold in ("warning", "critical"):
        assert requirement.thresholds.get(threshold, "").replace("_", " ") == row[threshold]
    assert row["alert"] in requirement.thresholds.get("alert", "")


@pytest.mark.parametrize("requirement", business.SPECIFICATION.values(), ids=lambda requirement: requirement.name)
def test_what_is_produced_here_is_in_the_catalogue(requirement):
    assert requirement.series
    if requirement.producer in PRODUCED_HERE:
        assert set(requirement.series) <= set(catalogue.METRICS)


@pytest.mark.parametrize("requirement", business.SPECIFICATION.values(), ids=lambda requirement: requirement.name)
def test_a_rate_or_a_percentage_has_a_rule(requirement):
    derived = requirement.unit.endswith(("/sec", "/hour", "/day")) or len(requirement.series) > 1
    assert not derived or requirement.rule or requirement.producer == "postgres_exporter"
