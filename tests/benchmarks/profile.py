"""Where telemetry's part of a request to ``/web/login`` goes: microseconds of CPU time, by function.

Baseline: the same requests in the same process with the instrumentation taken out, in turns (``in_odoo.py`` does it,
inside Odoo and without a network). What is added is the difference of lower deciles. A profiler slows what it looks at,
so only the shares of the functions are taken from it, and applied to what is added.
"""

import json
from collections.abc import Iterable
from itertools import chain
from statistics import quantiles

from stack.console import exit_on_error, step
from stack.provide import odoo_source
from stack.services import odoo
from tests.benchmarks.servers import TELEMETRY, Server, running

SCRIPT = odoo.PROJECT / "tests" / "benchmarks" / "in_odoo.py"


def undisturbed(times: Iterable[float]) -> float:
    """Return the lower decile of ``times``: what a request takes while the machine's other work is out of the way."""
    return quantiles(times, n=10)[0]


def profile(server: Server) -> None:
    """Profile requests in a process beside ``server`` and print what came of it."""
    with step("profile"):
        server.shell(SCRIPT.read_text())
    result = json.loads((server.layout.state / "odoo" / "profile.json").read_text())
    with_it, without = (undisturbed(chain.from_iterable(blocks)) for blocks in zip(*result["turns"], strict=True))
    added = with_it - without
    print(f"\na request takes {with_it:.0f} µs, without the instrumentation {without:.0f} µs: {added:.0f} µs are added")
    profiled = sum(own for _function, _calls, own in result["functions"])
    print(f"\n{'own time':50} calls   share      µs")
    for function, calls, own in result["functions"]:
        share = own / profiled
        print(f"  {function:48} {calls:5.2f}   {share:5.1%}   {share * added:5.2f}")


def main() -> None:
    with exit_on_error(), running(odoo_source.choose(), {"with": TELEMETRY}) as servers:
        profile(servers["with"])


if __name__ == "__main__":
    main()
