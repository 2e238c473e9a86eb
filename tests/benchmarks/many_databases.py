"""The scrape of one server with many databases: CPU time and size by number, with and without creation times.

Each database has the series that start at 0, and 20 routes. Values read from the database are not measured: a scrape
spends at most 4 s on them. Run: python -m tests.benchmarks.many_databases
"""

import gzip
import tempfile
import time
from pathlib import Path

from odoo_telemetry.metrics import exposition, store
from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, HTTP_REQUESTS
from odoo_telemetry.metrics.settings import Settings

NUMBERS = (1, 30, 300)
ROUNDS = 5
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def _measure(name: str) -> None:
    store.databases.publish(name, Settings(modules=[]))
    exposition.start_at_zero(name)
    for route in range(20):
        labels = {"database": name, "route": f"/{route}", "method": "GET", "status_code_class": "2xx"}
        HTTP_REQUESTS.inc(user_role="user", **labels)
        HTTP_REQUEST_DURATION.observe(0.1, **labels)


def _scrape(created: bool) -> tuple[float, bytes]:
    """Return the least CPU time (s) of some scrapes, and the body."""
    least, body = float("inf"), b""
    for _round in range(ROUNDS):
        begun = time.process_time()
        body, _headers = exposition.encode(
            exposition.Families(store.databases.settings(), created=created), OPENMETRICS, ""
        )
        least = min(least, time.process_time() - begun)
    return least, body


def main() -> None:
    """Print a line for each number of databases, without and with creation times."""
    with tempfile.TemporaryDirectory() as folder:
        store.directory.configure(Path(folder))
        for number in NUMBERS:
            for position in range(len(store.databases.settings()), number):
                _measure(f"db{position:03}")
            for created in (False, True):
                seconds, body = _scrape(created)
                size, packed, lines = len(body), len(gzip.compress(body, 1)), body.count(b"\n")
                print(f"{number:4} {created!s:5} {lines:7} lines {size:9} bytes {packed:8} gzipped {seconds:.3f} s")
        # or it would be restored while it is deleted
        store.directory.remove()


if __name__ == "__main__":
    main()
