"""The catalogue has every required metric, as required."""

from pathlib import Path

import pytest
import yaml

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue
from tests import requirements

PRODUCED_HERE = ("odoo", "browser", "backup")
RULES = Path(__file__).parents[2] / "prometheus" / "rules"


@pytest.fixture(scope="module")
def recorded():
    """The expressions of all recording rules, by name."""
    rules = [
        rule
        for file in RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    return {rule["record"]: rule["expr"] for rule in rules if "record" in rule}


def having(field):
    """Pairs of a requirement in the catalogue and the value of the field in requirements.yml, where it has one."""
    return [
        (business.SPECIFICATION[name], wanted[field])
        for name, wanted in requirements.METRICS.items()
        if field in wanted
    ]


def test_all_metrics_and_no_others():
    assert len(requirements.METRICS) == 48
    assert business.SPECIFICATION.keys() == requirements.METRICS.keys()


@pytest.mark.parametrize("field", ["kind", "unit", "interval"])
def test_a_metric_is_as_required(field):
    wanted = {requirement.name: value for requirement, value in having(field)}
    assert wanted == {name: getattr(business.SPECIFICATION[name], field) for name in wanted}


def test_thresholds_are_those_that_are_required():
    assert {name: requirement.thresholds for name, requirement in business.SPECIFICATION.items()} == {
        name: wanted.get("thresholds", {}) for name, wanted in requirements.METRICS.items()
    }


def test_labels_are_those_that_are_required(recorded):
    """On each series of the catalogue, or in the rule where another exporter makes them."""
    missing = {}
    for requirement, labels in having("labels"):
        known = [
            {label.name for label in catalogue.METRICS[series].labels}
            for series in requirement.series
            if series in catalogue.METRICS
        ]
        missing[requirement.name] = [
            label
            for label in labels
            if not (all(label in names for names in known) if known else label in recorded[requirement.rule])
        ]
    assert {name: labels for name, labels in missing.items() if labels} == {}


def test_histograms_have_the_buckets_that_are_required():
    assert {
        requirement.name: set(bounds) - set(catalogue.METRICS[series].buckets)
        for requirement, bounds in having("buckets")
        for series in requirement.series
        if not set(bounds) <= set(catalogue.METRICS[series].buckets)
    } == {}


def test_percentiles_are_recorded(recorded):
    assert {
        f"{'telemetry' if series.startswith('odoo_') else 'influencegen'}:{series}:{percentile}_5m"
        for requirement, percentiles in having("percentiles")
        for series in requirement.series
        for percentile in percentiles
    } - recorded.keys() == set()


def test_rules_that_are_named_exist(recorded):
    assert {requirement.rule for requirement in business.SPECIFICATION.values()} - {""} - recorded.keys() == set()


def test_what_is_produced_here_is_in_the_catalogue():
    assert all(requirement.series for requirement in business.SPECIFICATION.values())
    assert {
        series
        for requirement in business.SPECIFICATION.values()
        if requirement.producer in PRODUCED_HERE
        for series in requirement.series
    } - catalogue.METRICS.keys() == set()


def test_a_rate_or_a_percentage_has_a_rule():
    derived = [
        requirement
        for requirement in business.SPECIFICATION.values()
        if requirement.unit.endswith(("/sec", "/hour", "/day")) or len(requirement.series) > 1
    ]
    assert derived
    assert [
        requirement.name
        for requirement in derived
        if not requirement.rule and requirement.producer != "postgres_exporter"
    ] == []
