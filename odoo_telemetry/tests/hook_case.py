"""What the tests of the instrumentation share."""

from contextlib import contextmanager

from .. import odoo_hooks
from ..metrics import store


@contextmanager
def bare_odoo():
    """Leave Odoo as it is without the addon for the length of the block."""
    odoo_hooks.uninstall()
    try:
        yield
    finally:
        odoo_hooks.install()


def value(name, labels=(), database=None, sample=""):
    """Return the stored value of a series, 0.0 if it has none; ``sample`` is 'sum' or a bucket's bound."""
    return store.reader.values()[0].get((name, database, labels, sample), 0.0)


def observations(name, labels=(), database=None):
    """Return the number of observations of a histogram's series."""
    return sum(
        number
        for (metric, of, values, sample), number in store.reader.values()[0].items()
        if (metric, of, values) == (name, database, labels) and sample != "sum"
    )


def scraped(function, database=None):
    """Return what a function read at scrape time yields, as {(name, labels): value}."""
    return {(sample.gauge.name, tuple(sample.labels.values())): sample.value for sample in function(database)}
