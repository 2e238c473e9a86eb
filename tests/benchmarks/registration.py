"""A registration of an influencer, and a transaction without facts, with the working tree's telemetry.

Baseline: the build of commit 7a6684d. Each build has a database of its own on one PostgreSQL and is loaded by a process
of its own. A registration is a POST to ``/influencegen/api/register``, given to Odoo's WSGI application in that
process, so with Odoo's cursor and its commit, but without a network, and without the throttle; the transaction without
facts writes one field of a contact, and commits.

The processes take turns, in blocks of ``BLOCK`` transactions, in alternating order. What is compared is the CPU
time of the process and of its sessions in PostgreSQL, where triggers run; the wall time, which has the
machine's other work in it, is printed beside it. The same process is some percent faster or slower each time that it is
started, so all are started ``STARTS`` times, for ``ROUNDS`` rounds each. Printed are medians of ms per transaction. The
ratio to the baseline is a median over the rounds of each start: printed are its median over starts, which counts, and
its minimum and maximum, which show how far to trust it.
"""

import json
import sys
import time
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from statistics import median
from uuid import uuid4

from stack.console import exit_on_error, step
from stack.layout import PROJECT
from stack.provide import odoo_source
from tests.benchmarks import baseline
from tests.benchmarks.apart import answer
from tests.benchmarks.odoo_process import load_registry, odoo_process
from tests.benchmarks.rounds import interleaved, ratio
from tests.benchmarks.servers import TELEMETRY, Server, cluster

BLOCK = {"registration": 20, "without_facts": 200}
MOST = {"registration": 1.05, "without_facts": 1.02}
WARMING = 1
ROUNDS = 4
STARTS = 12

TREE, BASELINE = "tree", "baseline"
PROCESSOR, WALL = "CPU time", "wall time"


# ---------------------------------------------------------------------- in the Odoo process


class Build:
    """One build, measured in a process that has its database loaded.

    :param registry: Odoo's registry of the database
    """

    def __init__(self, registry):
        self._registry = registry
        self._written = 0
        with registry.cursor() as cr:
            self._contact = self._environment(cr)["res.partner"].create({"name": "Written over and over"}).id
        # a transaction of the platform's own, which the baseline doesn't have
        registry["influencegen.influencer"]._wait_to_register = lambda *_arguments: 0

    def block(self, name: str) -> dict[str, float]:
        """Return what one transaction of a block took, in ms."""
        run = getattr(self, f"_{name}")
        # the first transaction refills caches that another kind of transaction has evicted
        run()
        used, begun = self._used(), time.perf_counter()
        for _ in range(BLOCK[name]):
            run()
        wall = time.perf_counter() - begun
        used = self._used() - used
        return {PROCESSOR: used / BLOCK[name] * 1e3, WALL: wall / BLOCK[name] * 1e3}

    def _registration(self):
        from werkzeug.test import EnvironBuilder, run_wsgi_app

        from odoo.http import root

        values = {
            "name": "Ada Example", "email": f"{uuid4().hex}@example.com", "birthdate": "1990-01-01", "consent": True,
            "handles": [{"platform": "instagram", "handle": "ada"}],
        }  # fmt: skip
        environ = EnvironBuilder(path="/influencegen/api/register", method="POST", json=values).get_environ()
        body, status, _headers = run_wsgi_app(root, environ, buffered=True)
        # the baseline said 201
        if not status.startswith(("201", "202")):
            raise ValueError(f"the registration was answered with {status}: {b''.join(body)!r}")

    def _without_facts(self):
        self._written += 1
        with self._registry.cursor() as cr:
            contact = self._environment(cr)["res.partner"].browse(self._contact)
            contact.write({"function": f"Number {self._written}"})

    def _environment(self, cr):
        from odoo.api import SUPERUSER_ID, Environment

        return Environment(cr, SUPERUSER_ID, {})

    def _used(self):
        """Return the CPU time of this process and of the database's sessions so far, in seconds.

        Odoo keeps its connections, and no other process has any to this database.
        """
        with self._registry.cursor() as cr:
            cr.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
            sessions = cr.fetchall()
        nanoseconds = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in sessions)
        return time.process_time() + nanoseconds / 1e9


def serve() -> None:
    """Answer the name of a kind of transaction with what one of a block took, as JSON."""
    build = Build(load_registry())
    answer(lambda name: json.dumps(build.block(name)))


# ---------------------------------------------------------------------- in this process


Rounds = dict[str, list[dict[str, dict[str, float]]]]
"""For each build what one transaction of each kind took by each clock, round by round."""


def start(servers: dict[str, Server], names: list[str]) -> Rounds:
    """Start a process for each build, in the order of ``names``, and measure them in turns."""
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(odoo_process(servers[name], "tests.benchmarks.registration")) for name in names
        }
        turns = {
            name: lambda one=one: {kind: json.loads(one.ask(kind)) for kind in BLOCK} for name, one in processes.items()
        }
        interleaved(turns, WARMING)
        return interleaved(turns, ROUNDS)


def compare(servers: dict[str, Server]) -> None:
    """Measure the builds in turns and print what came of it."""
    starts = []
    for number in range(STARTS):
        with step(f"{ROUNDS} rounds, {number + 1} of {STARTS}"):
            starts.append(start(servers, list(servers)[:: -1 if number % 2 else 1]))
    print(f"\n{'ms per transaction':32} {TREE:>9} {BASELINE:>9}   {TREE} / {BASELINE}")
    ratios = {}
    for kind in BLOCK:
        for clock in (PROCESSOR, WALL):
            each = [
                {name: [taken[kind][clock] for taken in values] for name, values in rounds.items()} for rounds in starts
            ]
            of_starts = sorted(ratio(results, TREE, BASELINE) for results in each)
            ratios[kind, clock] = median(of_starts)
            medians = " ".join(f"{median(chain.from_iterable(one[name] for one in each)):9.3f}" for name in servers)
            print(
                f"  {kind + ', ' + clock:30} {medians}   {ratios[kind, clock]:.3f}"
                f" (starts: {of_starts[0]:.3f} to {of_starts[-1]:.3f})"
            )
    for kind, most in MOST.items():
        baseline.bar(kind, ratios[kind, PROCESSOR], most)


def main() -> None:
    with exit_on_error(), baseline.checkout() as baseline_checkout, cluster(odoo_source.choose()) as made:
        checkouts = {TREE: PROJECT, BASELINE: baseline_checkout}
        compare({name: made.server(name, TELEMETRY, checkout) for name, checkout in checkouts.items()})


if __name__ == "__main__":
    serve() if sys.argv[1:2] == ["serve"] else main()
