"""Intervals of scrapes are those of prometheus.yml wherever they are given."""

import re

import yaml

from grafana_dashboards.generator import queries
from influencegen_telemetry.business import catalogue
from odoo_telemetry.metrics import exposition
from prometheus.generator import scraping

from .promtool import RULES

ROOT = RULES.parents[1]


def test_each_group_of_the_catalogue_is_scraped():
    """Prometheus scrapes the groups that metrics declare, that settings turn on and off, and no others."""
    assert {metric.group for metric in catalogue.METRICS.values()} == set(scraping.GROUPS) == set(exposition.GROUPS)


def test_settings_say_how_often_a_group_is_scraped():
    text = (ROOT / "odoo_telemetry" / "views" / "res_config_settings_views.xml").read_text()
    said = re.findall(r'scraped every (\d+) s with group\[\]=\w+">\s*<field name="telemetry_(\w+)"', text)
    assert {group: int(seconds) for seconds, group in said} == scraping.GROUPS


def test_dashboards_take_samples_to_be_as_far_apart():
    steps = {"fast": queries.FAST, "system": queries.SYSTEM, "business": queries.BUSINESS}
    assert steps == {group: f"{seconds}s" for group, seconds in scraping.GROUPS.items()}
    configuration = yaml.safe_load(scraping.CONFIGURATION.read_text())
    assert configuration["global"]["evaluation_interval"] == queries.RULES
