"""What is generated from the catalogue is what the catalogue says."""

from pathlib import Path

import pytest

from docs.generator import metrics as documentation
from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue
from n8n_workflows.generator import metrics as n8n

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("path", "render"),
    [("docs/metrics.md", documentation.render), ("n8n_workflows/metrics.sql", n8n.render)],
)
def test_it_is_not_stale(path, render):
    assert (ROOT / path).read_text() == render(), "make docs writes it again"


def test_it_names_every_metric():
    text = documentation.render()
    missing = [name for name in (*catalogue.METRICS, *business.SPECIFICATION) if f"`{name}`" not in text]
    assert not missing
