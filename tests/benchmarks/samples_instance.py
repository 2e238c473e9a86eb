"""An instance of telemetry, of the build in whose folder this file lies: see ``samples.py``."""

import os
import random
import signal
import sys
import time

from metrics import exposition, store
from metrics.settings import Settings

WORKERS = 4
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Worker:
    """A forked process that calls ``work()`` on request."""

    def __init__(self, work):
        read, self._write = os.pipe()
        self._wait, done = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            while os.read(read, 1):
                work()
                os.write(done, b".")

    def work_once(self):
        """Have it work once; :meth:`wait` for the end."""
        os.write(self._write, b".")

    def wait(self):
        """Wait until it has worked."""
        os.read(self._wait, 1)

    def end(self):
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def serve(routes: str, directory: str) -> None:
    """Run an instance; answer a coding with microseconds a sample, and samples."""
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
            worker.work_once()
            worker.wait()
        begun = time.process_time()
        exposition.encode(exposition.Families(exported()), OPENMETRICS, coding)
        used = time.process_time() - begun
        body, _headers = exposition.encode(exposition.Families(exported()), OPENMETRICS, "")
        samples = sum(not line.startswith(b"#") for line in body.splitlines())
        return f"{used / samples * 1e6} {samples}"

    for line in sys.stdin:
        print(scrape(line.rstrip("\n")), flush=True)
    for worker in workers:
        worker.end()


if __name__ == "__main__":
    serve(*sys.argv[2:])
