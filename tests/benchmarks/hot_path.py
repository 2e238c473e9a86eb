"""One counter increment and one histogram observation, in-process.

Baseline: ``prometheus_client`` in its in-memory mode, with the same labels and buckets, called as its documentation
has it (``counter.labels(…).inc()``), and through a child that was kept (``child.inc()``), which the addon, whose labels
differ from request to request, could not do. Beside them its multiprocess mode: it is chosen before the import, so that
it has a process of its own, which takes part in the same rounds.

A round is ``CALLS`` calls of each contender, timed by the CPU time of the thread; printed are medians of
``ROUNDS`` rounds, and medians over rounds of the ratio to the baseline in each.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from timeit import Timer

from tests.benchmarks.apart import Apart, answer
from tests.benchmarks.rounds import interleaved, ratio

CALLS = 2_000
ROUNDS = 301

HISTOGRAM_LABELS = {"route": "/web/login", "method": "GET", "status_code_class": "2xx"}
COUNTER_LABELS = {**HISTOGRAM_LABELS, "user_role": "public"}
SECONDS = 0.3
TRACE = 0x0AF7651916CD43DD8448EB211C80319C

OPERATIONS = ("increment", "increment without labels", "observation")
OURS, TRACED, IN_MEMORY, KEPT = "store", "store, within a trace", "in-memory", "in-memory, child kept"
MULTIPROCESS, MULTIPROCESS_KEPT = "multiprocess", "multiprocess, child kept"
BASELINES = IN_MEMORY, KEPT

Contenders = dict[tuple[str, str], Callable[[], float]]


def nanoseconds(call: str, **names) -> Callable[[], float]:
    """Return a function that runs ``call`` (Python, with ``names``) ``CALLS`` times and returns the time of one."""
    timer = Timer(call, globals=names, timer=time.thread_time)
    return lambda: timer.timeit(CALLS) / CALLS * 1e9


def _keywords(labels: dict[str, str]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in labels.items())


def _values(labels: dict[str, str]) -> str:
    return ", ".join(map(repr, labels.values()))


def of_store(directory: str) -> Contenders:
    """Return the contenders of the store, kept in ``directory``."""
    from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS
    from odoo_telemetry.metrics import store
    from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, HTTP_REQUESTS
    from odoo_telemetry.metrics.settings import Settings

    store.directory.configure(directory)
    store.databases.publish("db", Settings())
    names = {"counter": HTTP_REQUESTS, "plain": REGISTRATION_ATTEMPTS, "histogram": HTTP_REQUEST_DURATION}
    calls = (
        f"counter.inc(database='db', {_keywords(COUNTER_LABELS)})",
        "plain.inc(database='db')",
        f"histogram.observe({SECONDS}, database='db', {_keywords(HISTOGRAM_LABELS)})",
    )
    contenders = {
        (operation, OURS): nanoseconds(call, **names) for operation, call in zip(OPERATIONS, calls, strict=True)
    }

    def traced():
        store.exemplars.trace_with(lambda: TRACE)
        try:
            return contenders[OPERATIONS[-1], OURS]()
        finally:
            store.exemplars.trace_with(None)

    return {**contenders, (OPERATIONS[-1], TRACED): traced}


def of_client(labelled: str, kept: str) -> Contenders:
    """Return the contenders of prometheus_client in the mode of this process, under these names."""
    from prometheus_client import CollectorRegistry, Counter, Histogram

    from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS
    from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, HTTP_REQUESTS

    registry = CollectorRegistry()

    def made(kind, metric, **options):
        return kind(metric.name, metric.help, metric.label_names, registry=registry, **options)

    counter, plain = made(Counter, HTTP_REQUESTS), made(Counter, REGISTRATION_ATTEMPTS)
    histogram = made(Histogram, HTTP_REQUEST_DURATION, buckets=HTTP_REQUEST_DURATION.buckets)
    increment, bare_increment, observation = OPERATIONS
    return {
        (increment, labelled): nanoseconds(f"counter.labels({_values(COUNTER_LABELS)}).inc()", counter=counter),
        (increment, kept): nanoseconds("child.inc()", child=counter.labels(*COUNTER_LABELS.values())),
        (bare_increment, labelled): nanoseconds("plain.inc()", plain=plain),
        (observation, labelled): nanoseconds(
            f"histogram.labels({_values(HISTOGRAM_LABELS)}).observe({SECONDS})", histogram=histogram
        ),
        (observation, kept): nanoseconds(
            f"child.observe({SECONDS})", child=histogram.labels(*HISTOGRAM_LABELS.values())
        ),
    }


def serve() -> None:
    """Time the contenders of multiprocess mode that standard input names, one a line; list them for an empty line."""
    contenders = {"\t".join(key): run for key, run in of_client(MULTIPROCESS, MULTIPROCESS_KEPT).items()}
    answer(lambda name: contenders[name]() if name else json.dumps(list(contenders)))


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as ours,
        tempfile.TemporaryDirectory() as theirs,
        Apart("tests.benchmarks.hot_path", PROMETHEUS_MULTIPROC_DIR=theirs) as apart,
    ):
        contenders = of_store(ours) | of_client(IN_MEMORY, KEPT)
        for name in json.loads(apart.ask()):
            contenders[tuple(name.split("\t"))] = lambda name=name: float(apart.ask(name))
        results = interleaved(contenders, ROUNDS)
    for operation in OPERATIONS:
        of_operation = [key for key in contenders if key[0] == operation]
        print(f"\n{operation}: ns a call, ratio to " + ", ".join(BASELINES))
        for key in of_operation:
            ratios = [f"{ratio(results, key, (operation, b)):.2f}" for b in BASELINES if (operation, b) in results]
            print(f"  {key[1]:26} {median(results[key]):6.0f}", *ratios, sep="   ")


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
