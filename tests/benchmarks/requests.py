"""``/web/login`` on Odoo, with telemetry: what it adds to a request, and what becomes of 4 workers under load.

What is added is measured in a process that calls Odoo's WSGI application, with the instrumentation and without it, in
turns: the processor time of the thread. Of a block of requests the lower quartile counts, when the machine's other work
is out of the way, and of a build the median over all rounds of the difference within a round. Baseline: the build of
``baseline.py``, which has a process and a database of its own and takes part in the same rounds. Both are started
``PROCESS_STARTS`` times, for ``PROCESS_ROUNDS`` rounds each. It needs a machine that does little else.

Then 4 workers. Baseline: the same Odoo without it: a server and a database of its own, in which only ``influencegen``
is installed. Both run all the time and take turns: in each round ``CLIENTS`` clients send ``REQUESTS`` requests to the
one and then to the other, in alternating order. The same server is some percent faster or slower each time that it is
started, by where its memory lies; so both are started ``STARTS`` times, for ``ROUNDS`` rounds each. Printed are medians
over all rounds, of the ratio to the baseline within a round too. The processor time is that of the workers, without the
other work of the machine.
"""

import json
import sys
import time
from contextlib import ExitStack
from importlib import import_module
from itertools import chain
from statistics import median, quantiles

from stack.console import exit_on_error, step
from stack.layout import PROJECT
from stack.provide import odoo_source
from tests.benchmarks import baseline, load
from tests.benchmarks.apart import answer
from tests.benchmarks.odoo_process import load_registry, odoo_process
from tests.benchmarks.rounds import interleaved, ratio
from tests.benchmarks.servers import TELEMETRY, Server, cluster, running

PATH = "/web/login"
CLIENTS = 4
REQUESTS = 300
ROUNDS = 4
STARTS = 5
WARMING = 200

BLOCK = 25
PROCESS_ROUNDS = 40
PROCESS_STARTS = 6
LIMIT = 1.0

WITH, WITHOUT = "with", "without"
TREE, TODAY = "tree", "today"


# ---------------------------------------------------------------------- what is added, in an Odoo process


def serve() -> None:
    """Answer 'with' or 'without' with the microseconds of each request of a block, as JSON."""
    load_registry()
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    from odoo.http import root
    from odoo.modules import get_module_path

    # in the baseline, one addon had everything
    if get_module_path("odoo_telemetry", display_warning=False):
        addon, package = "odoo_telemetry", "odoo_hooks"
    else:
        addon, package = "influencegen_telemetry", "instrumentation"
    odoo_hooks = import_module(f"odoo.addons.{addon}.{package}")
    store = import_module(f"odoo.addons.{addon}.metrics.store")

    def request():
        environ = EnvironBuilder(path=PATH).get_environ()
        _body, status, _headers = run_wsgi_app(root, environ, buffered=True)
        if not status.startswith("200"):
            raise ValueError(f"{PATH} was answered with {status}")

    def block(name):
        getattr(odoo_hooks, {WITH: "install", WITHOUT: "uninstall"}[name])()
        # the first finds caches cold that the change has emptied
        request()
        times = []
        for _ in range(BLOCK):
            begun = time.thread_time()
            request()
            times.append((time.thread_time() - begun) * 1e6)
        return json.dumps(times)

    block(WITH)
    values, _stamps = store.read() if addon == "influencegen_telemetry" else store.reader.values()
    if not any(name == "odoo_http_requests_total" for name, *_key in values):
        raise ValueError("the requests are not counted")
    answer(block)


def measure_added(servers: dict[str, Server], names: list[str]) -> dict[tuple[str, str], list[float]]:
    """Start a process for each build, in the order of ``names``; return the microseconds of a request, round by round.

    :return: {(build, 'with' or 'without'): lower quartile of each round}
    """
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(odoo_process(servers[name], "tests.benchmarks.requests")) for name in names
        }
        turns = {
            (name, state): lambda one=one, state=state: quantiles(json.loads(one.ask(state)), n=4)[0]
            for name, one in processes.items()
            for state in (WITH, WITHOUT)
        }
        interleaved(turns, 2)
        return interleaved(turns, PROCESS_ROUNDS)


def compare_added() -> float:
    """Measure what the two builds add to a request, print it, and return the ratio."""
    with baseline.checkout() as today, cluster(odoo_source.choose()) as made:
        checkouts = {TREE: PROJECT, TODAY: today}
        servers = {name: made.server(name, TELEMETRY, checkout) for name, checkout in checkouts.items()}
        with step(f"{PROCESS_STARTS} starts of {PROCESS_ROUNDS} rounds"):
            starts = [measure_added(servers, list(servers)[:: -1 if n % 2 else 1]) for n in range(PROCESS_STARTS)]
    print(f"\nµs of a request {WITH:>12} {WITHOUT:>9}     added (medians of the starts)")
    added = {}
    for name in checkouts:
        each = [[w - wo for w, wo in zip(one[name, WITH], one[name, WITHOUT], strict=True)] for one in starts]
        added[name] = median(chain.from_iterable(each))
        both = " ".join(f"{median(chain(*(one[name, state] for one in starts))):9.1f}" for state in (WITH, WITHOUT))
        print(f"  {name:16} {both} {added[name]:9.1f} ({', '.join(f'{median(one):.1f}' for one in each)})")
    return added[TREE] / added[TODAY]


# ---------------------------------------------------------------------- under load


def measure(server: Server) -> dict[str, float]:
    """Send one round of requests to ``server`` and return what it took."""
    used = server.cpu_seconds()
    total, each = load.timed(server.port, PATH, REQUESTS, CLIENTS)
    used = server.cpu_seconds() - used
    return {
        "requests a second": REQUESTS / total,
        "p50, ms": median(each) * 1e3,
        "p99, ms": quantiles(each, n=100)[-1] * 1e3,
        "processor time a request, ms": used / REQUESTS * 1e3,
    }


def measure_all(servers: dict[str, Server], rounds: int, starts: int) -> dict[str, list[dict[str, float]]]:
    """Measure the servers in turns, for so many rounds after each of so many starts; return all rounds by name."""
    turns = {name: lambda one=one: measure(one) for name, one in servers.items()}
    results = {name: [] for name in servers}
    for number in range(starts):
        with step(f"{rounds} rounds, {number + 1} of {starts}"):
            for server in servers.values():
                server.restart()
                load.timed(server.port, PATH, WARMING, CLIENTS)
            for name, taken in interleaved(turns, rounds).items():
                results[name] += taken
    return results


def compare(servers: dict[str, Server]) -> None:
    """Measure the servers in turns and print what came of it."""
    rounds = measure_all(servers, ROUNDS, STARTS)
    print(f"\n{PATH:30} {WITH:>9} {WITHOUT:>9}   {WITH} / {WITHOUT}")
    for figure in rounds[WITH][0]:
        results = {name: [taken[figure] for taken in values] for name, values in rounds.items()}
        print(
            f"  {figure:28} {median(results[WITH]):9.2f} {median(results[WITHOUT]):9.2f}   "
            f"{ratio(results, WITH, WITHOUT):.3f}"
        )


def main() -> None:
    with exit_on_error():
        figure = compare_added()
        with running(odoo_source.choose(), {WITHOUT: "", WITH: TELEMETRY}) as servers:
            compare(servers)
    baseline.bar("request_overhead", figure, LIMIT)


if __name__ == "__main__":
    serve() if sys.argv[1:2] == ["serve"] else main()
