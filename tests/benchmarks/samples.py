"""The processor time of a scrape by sample, of a small and of a large instance.

Baseline: the build of ``baseline.py``. Each build has, for each size, an instance of its own: ``WORKERS`` processes
that write the same series, counters and histograms of requests, and a process beside them that is scraped. Before each
scrape every worker moves every series: more than happens between two scrapes, so that neither build profits from what
it knows from the scrape before.

The instances are scraped in turns, as Prometheus does (OpenMetrics, gzip), and without compression. Printed are the
medians of ``ROUNDS`` rounds, and the median of the ratio to the baseline within a round, of the time by sample.
"""

import os
import random
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks import baseline
from tests.benchmarks.apart import Apart, answer
from tests.benchmarks.rounds import interleaved, ratio

WORKERS = 4
ROUNDS = 15
WARMING = 3
ROUTES = {"568": 31, "33007": 1833}
"""Sizes by their number of samples: that of the routes; each has 18 samples, to which the exporter adds its own."""
CODINGS = {"": "", "_gzip": "gzip"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
LIMIT = 0.2

OLD, NEW = "baseline", "working tree"


class Worker:
    """A forked process that calls ``work()`` whenever it is told to."""

    def __init__(self, work):
        told, self._tell = os.pipe()
        self._wait, done = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            while os.read(told, 1):
                work()
                os.write(done, b".")

    def tell(self):
        """Have it work once; :meth:`wait` for the end."""
        os.write(self._tell, b".")

    def wait(self):
        """Wait until it has worked."""
        os.read(self._wait, 1)

    def end(self):
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def serve(package: str, routes: str, directory: str) -> None:
    """Run an instance of the build in ``package``; answer a coding with microseconds a sample, and samples."""
    sys.path.insert(0, package)
    from metrics import exposition, store
    from metrics.settings import Settings

    assert Path(exposition.__file__).is_relative_to(package), exposition.__file__
    settings = Settings(label_limits={"route": int(routes)})
    if callable(store.databases):
        # the baseline had one object for all metrics
        store.configure(directory)
        store.publish("db", settings)
        exported = store.databases

        def inc(name, labels, amount):
            store.inc(name, labels, amount, "db")

        def observe(name, value, labels):
            store.observe(name, value, labels, "db")
    else:
        from metrics.catalogue import METRICS

        store.directory.configure(directory)
        store.databases.publish("db", settings)
        exported = store.databases.settings

        def inc(name, labels, amount):
            metric = METRICS[name]
            metric.inc(amount, database="db", **dict(zip(metric.label_names, labels, strict=True)))

        def observe(name, value, labels):
            metric = METRICS[name]
            metric.observe(value, database="db", **dict(zip(metric.label_names, labels, strict=True)))

    values = random.Random(0)

    def work():
        for number in range(int(routes)):
            route = f"/web/route/{number}"
            inc("odoo_http_requests_total", (route, "GET", "2xx", "user"), 1.0)
            inc("odoo_http_request_sql_statements_total", (route,), values.randrange(50))
            inc("odoo_http_request_sql_seconds_total", (route,), values.expovariate(100))
            observe("odoo_http_request_duration_seconds", values.expovariate(10), (route, "GET", "2xx"))

    workers = [Worker(work) for _ in range(WORKERS)]

    def scrape(coding):
        for worker in workers:
            worker.tell()
            worker.wait()
        begun = time.process_time()
        exposition.encode(exposition.Families(exported()), OPENMETRICS, coding)
        used = time.process_time() - begun
        body, _headers = exposition.encode(exposition.Families(exported()), OPENMETRICS, "")
        samples = sum(not line.startswith(b"#") for line in body.splitlines())
        return f"{used / samples * 1e6} {samples}"

    answer(scrape)
    for worker in workers:
        worker.end()


def _package(folder: Path) -> Path:
    """Return the folder of the package in the build in ``folder``: the baseline is of before the addon was split."""
    package = folder / "odoo_telemetry"
    return package if package.exists() else folder / "influencegen_telemetry"


def measure(apart: dict[str, Apart], coding: str) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Return the microseconds a sample of all rounds, and the number of samples, of each build."""
    turns = {name: lambda one=one: one.ask(coding).split() for name, one in apart.items()}
    interleaved(turns, WARMING)
    taken = interleaved(turns, ROUNDS)
    times = {name: [float(microseconds) for microseconds, _samples in answers] for name, answers in taken.items()}
    return times, {name: answers[-1][1] for name, answers in taken.items()}


def main() -> None:
    print(f"\nsamples          µs a sample   ratio   build (samples); {WORKERS} workers")
    with ExitStack() as running:
        packages = {OLD: running.enter_context(baseline.checkout()), NEW: baseline.ROOT}
        place = Path(running.enter_context(tempfile.TemporaryDirectory()))
        bars = []
        for size, routes in ROUTES.items():
            with ExitStack() as sized:
                apart = {
                    name: sized.enter_context(Apart(
                        "tests.benchmarks.samples", str(_package(folder)), str(routes),
                        str(place / f"{name}-{size}"),
                    ))
                    for name, folder in packages.items()
                }  # fmt: skip
                for suffix, coding in CODINGS.items():
                    times, samples = measure(apart, coding)
                    for name, taken in times.items():
                        compared = ratio(times, name, OLD)
                        figures = f"{median(taken):11.2f}   {compared:5.3f}"
                        print(f"{size + suffix:14}   {figures}   {name} ({samples[name]})")
                    bars.append((f"samples_{size}{suffix}", ratio(times, NEW, OLD)))
    for name, figure in bars:
        baseline.bar(name, figure, LIMIT)


if __name__ == "__main__":
    serve(*sys.argv[2:]) if sys.argv[1:2] == ["serve"] else main()
