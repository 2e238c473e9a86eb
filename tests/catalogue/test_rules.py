"""The recording rules that the catalogue names exist."""

from pathlib import Path

import pytest
import yaml

from influencegen_telemetry import business

RULES = Path(__file__).parents[2] / "prometheus" / "rules"


@pytest.fixture(scope="module")
def recorded():
    """The names of all recording rules."""
    return {
        rule["record"]
        for file in RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


@pytest.mark.parametrize("requirement", business.SPECIFICATION.values(), ids=lambda requirement: requirement.name)
def test_its_rule_exists(requirement, recorded):
    assert not requirement.rule or requirement.rule in recorded
