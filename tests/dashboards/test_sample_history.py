"""The sample history of tests and screenshots: a real system records each of its series."""

import re

import yaml

from grafana_dashboards.preview import sample_history

from .reading import ROOT


def test_its_series_are_those_that_the_rules_record():
    files = [yaml.safe_load(path.read_text()) for path in (ROOT / "prometheus" / "rules").glob("*_tiers.yml")]
    recorded = {rule["record"] for rules in files for group in rules["groups"] for rule in group["rules"]}
    written = {re.match(r"tier(:[^{]+)", line)[1] for line in sample_history.months()}
    assert written and {f"tier1h{name}" for name in written} <= recorded
