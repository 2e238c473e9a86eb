"""docs/metrics.md is what the catalogue says."""

from pathlib import Path

from metrics import catalogue, documentation

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_it_is_not_stale():
    assert DOCUMENT.read_text() == documentation.render(), "write it again, as metrics/documentation.py says"


def test_it_names_every_metric():
    text = documentation.render()
    missing = [name for name in (*catalogue.METRICS, *catalogue.SPECIFICATION) if f"`{name}`" not in text]
    assert not missing
