"""The recording rules that the catalogue names exist."""

from pathlib import Path

import pytest
import yaml
from metrics import catalogue

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


def test_its_rule_exists(recorded):
    assert {requirement.rule for requirement in catalogue.SPECIFICATION.values()} - {""} - recorded == set()
