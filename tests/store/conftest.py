import pytest

# the tests store metrics of the business, too
from influencegen_telemetry import business  # noqa: F401


@pytest.fixture
def store(tmp_path):
    """The shared store, empty, with the database 'db' measured."""
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.settings import Settings

    store.directory.configure(tmp_path / "store")
    store.databases.publish("db", Settings())
    yield store
    store.directory.configure(tmp_path / "unused")


@pytest.fixture
def total(store):
    """A function of (name, labels, sample, database) that returns what is stored, or None."""

    def read(name, labels=(), sample="", database="db"):
        return store.reader.values()[0].get((name, database, tuple(map(str, labels)), sample))

    return read
