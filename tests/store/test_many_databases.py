"""Many databases of one server in one scrape: their labels are bounded, and each adds the same to it."""

import os
import re

import pytest

from odoo_telemetry.metrics import exposition
from odoo_telemetry.metrics.catalogue import HTTP_REQUESTS
from odoo_telemetry.metrics.settings import Settings

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def sizes(store):
    """A function that measures so many databases, and returns the series of a scrape by database."""

    def measure(number):
        names = [f"db{position:03}" for position in range(number)]
        for name in names:
            store.databases.publish(name, Settings(modules=[]))
        store.databases.withdraw("db")
        # as a minute later: what has just been published is read again
        folder = store.directory.path / "databases"
        for path in (*folder.iterdir(), folder):
            os.utime(path, (0, 0))
        for name in names:
            exposition.start_at_zero(name)
            for route in range(3):
                HTTP_REQUESTS.inc(
                    database=name, route=f"/{route}", method="GET", status_code_class="2xx", user_role="user"
                )
        body = exposition.encode(exposition.Families(store.databases.settings()), OPENMETRICS, "")[0].decode()
        found = {}
        for line in body.splitlines():
            if not line.startswith("#") and (match := re.search(r'[{,]database="(\w+)"', line)):
                found[match[1]] = found.get(match[1], 0) + 1
        return found

    return measure


def test_each_database_has_series_of_its_own_and_as_many_as_the_others(sizes):
    found = sizes(60)
    assert sorted(found) == [f"db{position:03}" for position in range(60)]
    assert len(set(found.values())) == 1
