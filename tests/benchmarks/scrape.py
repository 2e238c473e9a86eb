"""A scrape: collecting and encoding all values of an instance of 4 workers, of which some were recycled.

Baseline: the same instance after ``FEW`` recyclings; and ``prometheus_client``'s own multiprocess mode, in which each
process that ever ran leaves files under its pid, with the same series. Every worker writes the ``SERIES`` samples of
``ROUTES`` routes, counters and histograms, and is recycled as Odoo recycles its own: it ends, and another is forked.

Each instance has a process of its own, which scrapes like a fifth worker; they take turns. The time is the CPU
time of that process. Printed are medians, and the ratio to the same contender after ``FEW`` recyclings.
"""

import os
import signal
import sys
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks.apart import Apart, answer
from tests.benchmarks.rounds import interleaved, ratio

FEW = 8
RECYCLINGS = (FEW, 1000, 3000)
WORKERS = 4
ROUNDS = 5

ROUTES = [f"/web/route/{number}" for number in range(17)]
COUNTERS = {
    "odoo_http_requests_total": ("GET", "2xx", "user"),
    "odoo_http_request_sql_statements_total": (),
    "odoo_http_request_sql_seconds_total": (),
}
HISTOGRAM, HISTOGRAM_LABELS = "odoo_http_request_duration_seconds", ("GET", "2xx")
SECONDS = 0.3


class OfStore:
    """The store, kept in ``directory``."""

    def __init__(self, directory):
        from odoo_telemetry.metrics import catalogue, exposition, store
        from odoo_telemetry.metrics.settings import Settings

        store.directory.configure(directory)
        store.databases.publish("db", Settings())
        self._store, self._exposition, self._metrics = store, exposition, catalogue.METRICS

    def work(self):
        """Do what a worker does: write a value of each series."""
        for route in ROUTES:
            for name, labels in COUNTERS.items():
                counter = self._metrics[name]
                counter.inc(database="db", **dict(zip(counter.label_names, (route, *labels), strict=True)))
            histogram = self._metrics[HISTOGRAM]
            labels = dict(zip(histogram.label_names, (route, *HISTOGRAM_LABELS), strict=True))
            histogram.observe(SECONDS, database="db", **labels)

    def scrape(self):
        """Return the exposition in the text format."""
        return self._exposition.encode(self._exposition.Families(self._store.databases.settings()), "", "")[0]


class OfClient:
    """prometheus_client in multiprocess mode, kept in ``directory``, which the environment names before its import."""

    def __init__(self, directory):
        from prometheus_client import CollectorRegistry, Counter, Histogram

        from influencegen_telemetry.business import catalogue

        def made(kind, name, **options):
            metric = catalogue.METRICS[name]
            return kind(name, metric.help, [label.name for label in metric.labels], registry=None, **options)

        self._counters = {name: made(Counter, name) for name in COUNTERS}
        self._histogram = made(Histogram, HISTOGRAM, buckets=catalogue.METRICS[HISTOGRAM].buckets)
        self._registry, self._directory = CollectorRegistry, directory

    def work(self):
        """Do what a worker does: write a value of each series."""
        for route in ROUTES:
            for name, labels in COUNTERS.items():
                self._counters[name].labels(route, *labels).inc()
            self._histogram.labels(route, *HISTOGRAM_LABELS).observe(SECONDS)

    def scrape(self):
        """Return the exposition in the text format."""
        from prometheus_client import generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry()
        MultiProcessCollector(registry, self._directory)
        return generate_latest(registry)


KINDS = {"store": OfStore, "a file a pid": OfClient}


def start_worker(instance) -> int:
    """Fork a worker and return its pid once it has written its values; it lives until it is ended."""
    written, start = os.pipe()
    pid = os.fork()
    if pid == 0:
        instance.work()
        os.write(start, b".")
        signal.pause()
    os.close(start)
    os.read(written, 1)
    os.close(written)
    return pid


def end_worker(pid: int) -> None:
    """End a worker and wait for it."""
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)


def serve(kind: str, recyclings: str, directory: str) -> None:
    """Run an instance, and answer each line with the milliseconds of a scrape, its bytes, and the files it read."""
    instance = KINDS[kind](directory)
    workers = deque(start_worker(instance) for _ in range(WORKERS))
    for _ in range(int(recyclings)):
        end_worker(workers.popleft())
        workers.append(start_worker(instance))
    files = sum(1 for _ in Path(directory).rglob("*.db"))

    def scrape(_line):
        begun = time.process_time()
        body = instance.scrape()
        return f"{(time.process_time() - begun) * 1e3} {len(body)} {files}"

    answer(scrape)
    for worker in workers:
        end_worker(worker)


def main() -> None:
    with tempfile.TemporaryDirectory() as place, ExitStack() as running:
        apart = {}
        for kind in KINDS:
            for recyclings in RECYCLINGS:
                directory = Path(place) / f"{kind}-{recyclings}"
                directory.mkdir()
                apart[kind, recyclings] = running.enter_context(
                    Apart(
                        "tests.benchmarks.scrape", kind, str(recyclings), str(directory),
                        PROMETHEUS_MULTIPROC_DIR=str(directory),
                    )
                )  # fmt: skip
        taken = interleaved({key: lambda one=one: one.ask().split() for key, one in apart.items()}, ROUNDS)
    milliseconds = {key: [float(answered[0]) for answered in answers] for key, answers in taken.items()}
    print(f"\n{'':14} recyclings   files   ms a scrape   ratio to {FEW} recyclings   bytes")
    for key, answers in taken.items():
        kind, recyclings = key
        _, size, files = answers[-1]
        compared = ratio(milliseconds, key, (kind, FEW))
        print(
            f"{kind:14} {recyclings:10}   {files:>5}   {median(milliseconds[key]):11.1f}   {compared:22.2f}   {size:>5}"
        )


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
