import importlib
import sys
import threading

import pytest

# one of its counters counts attempts
from influencegen_telemetry import business  # noqa: F401
from odoo_telemetry.metrics import catalogue, store
from odoo_telemetry.metrics.settings import Settings

from .model import odoo20

PACKAGE = "odoo_telemetry.odoo_hooks"


@pytest.fixture
def odoo(monkeypatch, tmp_path):
    """The modules of the model by name, with the addon's hooks not yet imported, and the database 'db' measured."""
    mine = [name for name in sys.modules if name.split(".")[0] == "odoo"]
    for name in [*mine, *(name for name in sys.modules if name.startswith((PACKAGE, "odoo_telemetry.compat")))]:
        monkeypatch.delitem(sys.modules, name)
    modules = odoo20()
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(catalogue, "OBSERVERS", set(catalogue.OBSERVERS))
    # what Odoo's HTTP server sets before it calls the application
    monkeypatch.setattr(threading.current_thread(), "query_count", 3, raising=False)
    monkeypatch.setattr(threading.current_thread(), "query_time", 0.5, raising=False)
    store.directory.configure(tmp_path / "store")
    store.databases.publish("db", Settings())
    yield modules
    if PACKAGE in sys.modules:
        sys.modules[PACKAGE].uninstall()
    for name in [name for name in sys.modules if name.startswith((PACKAGE, "odoo_telemetry.compat"))]:
        del sys.modules[name]
    store.directory.configure(tmp_path / "unused")


@pytest.fixture
def hooks(odoo):
    """The package of the hooks, imported on the model and installed."""
    package = importlib.import_module(PACKAGE)
    package.install()
    return package


@pytest.fixture
def counted():
    """A function that returns what is stored of a series of 'db', or of the instance."""

    def read(name, labels=(), database="db", sample=""):
        return store.reader.values()[0].get((name, database, labels, sample), 0.0)

    return read
