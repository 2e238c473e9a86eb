"""A scrape of ``/metrics`` over HTTP, from Odoo with 4 workers, after some requests and recyclings.

Baseline: the package ``odoo-addon-prometheus-exporter`` on a server and a database of its own. It is there for Odoo
18.0 alone: any other series refuses it by the version in its manifest, and then telemetry is measured without it.

Both are scraped in turns by a client that opens a connection for each scrape, so that any worker answers. Printed are
the median time of a scrape, the samples in it, and the numbers of requests that the workers counted of ``REQUESTS``
served: one number if they agree.
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from prometheus_client.parser import text_string_to_metric_families

from stack.console import exit_on_error, step
from stack.provide import odoo_source
from tests.benchmarks import load
from tests.benchmarks.rounds import interleaved
from tests.benchmarks.servers import TELEMETRY, Server, running

REQUESTS = 400
RECYCLINGS = 24
ROUNDS = 60
PACKAGE, EXPORTER, SERIES = "odoo-addon-prometheus-exporter", "prometheus_exporter", "18.0"
TOKEN = """
env["telemetry.settings"]._set_scrape_token("{token}")
env.cr.commit()
"""


def scrape(server: Server) -> tuple[float, str]:
    """Return the milliseconds that a scrape of ``server`` took, and the exposition."""
    token = server.layout.secret("scrape-token")
    begun = time.perf_counter()
    answer = load.get(server.port, "/metrics", f"Authorization: Bearer {token}\r\n")
    return (time.perf_counter() - begun) * 1e3, answer.partition(b"\r\n\r\n")[2].decode()


def samples(exposition: str) -> list:
    """Return the samples of an exposition."""
    return [sample for family in text_string_to_metric_families(exposition) for sample in family.samples]


def served(exposition: str) -> int:
    """Return how many requests to ``/web/login`` an exposition counts."""
    return sum(int(sample.value) for sample in samples(exposition) if sample.labels.get("route") == "/web/login"
               and sample.name == "odoo_http_requests_total")  # fmt: skip


def recycle(server: Server) -> None:
    """End a worker of ``server`` as Odoo does at its limits, and wait until another is in its place."""
    workers = server.workers()
    workers[0].send_signal(signal.SIGINT)
    while workers[0] in (alive := server.workers()) or len(alive) < len(workers):
        time.sleep(0.05)


def compare(servers: dict[str, Server]) -> None:
    """Measure the servers in turns and print what came of it."""
    before = {name: served(scrape(server)[1]) for name, server in servers.items()}
    for name, server in servers.items():
        load.timed(server.port, "/web/login", REQUESTS, clients=4)
        with step(f"{RECYCLINGS} recyclings of {name}"):
            for _ in range(RECYCLINGS):
                recycle(server)
    turns = {name: lambda one=one: scrape(one) for name, one in servers.items()}
    interleaved(turns, ROUNDS)
    scrapes = interleaved(turns, ROUNDS)
    print(f"\nms a scrape   samples   requests counted of {REQUESTS}")
    for name, taken in scrapes.items():
        counted = sorted({served(exposition) - before[name] for _, exposition in taken})
        print(f"  {median(time for time, _ in taken):9.1f}   {len(samples(taken[-1][1])):7}   {counted}   {name}")


def main() -> None:
    source = odoo_source.choose()
    with exit_on_error(), tempfile.TemporaryDirectory() as place:
        addons = {TELEMETRY: TELEMETRY}
        if source.series == SERIES:
            subprocess.run([sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", place, PACKAGE],
                           check=True)  # fmt: skip
            addons[EXPORTER] = EXPORTER
        else:
            print(f"  {PACKAGE} is for Odoo {SERIES}, not {source.series}: telemetry is measured without it")
        with running(source, addons, Path(place) / "odoo" / "addons") as servers:
            telemetry = servers[TELEMETRY]
            telemetry.shell(TOKEN.format(token=telemetry.layout.secret("scrape-token")))
            compare(servers)


if __name__ == "__main__":
    main()
