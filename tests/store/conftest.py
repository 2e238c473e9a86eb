import sys
from pathlib import Path

import pytest

# The package metrics imports nothing of Odoo; the addon that holds it does.
sys.path.append(str(Path(__file__).parents[2] / "influencegen_telemetry"))


@pytest.fixture
def store(tmp_path):
    """The shared store, empty, with the database 'db' measured."""
    from metrics import store
    from metrics.settings import Settings

    store.configure(tmp_path / "store")
    store.publish("db", Settings())
    yield store
    store.configure(tmp_path / "unused")


@pytest.fixture
def total(store):
    """A function of (name, labels, sample, database) that returns what a scrape finds, or None."""

    def read(name, labels=(), sample="", database="db"):
        return store.read()[0].get((name, database, tuple(map(str, labels)), sample))

    return read
