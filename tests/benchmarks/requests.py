"""``/web/login`` on Odoo with 4 workers under load, with telemetry.

Baseline: the same Odoo without telemetry: a server and a database of its own, in which only ``influencegen`` is
installed. Both run all the time and take turns: in each round ``CLIENTS`` clients send ``REQUESTS`` requests to the one
and then to the other, in alternating order. The same server is some percent faster or slower each time that it is
started, by where its memory lies; so both are started ``STARTS`` times, for ``ROUNDS`` rounds each. Printed are medians
over all rounds, also of the ratio to the baseline in each. The CPU time is that of the workers, without the other work
of the machine. ``instructions.py`` counts the instructions that telemetry adds to a request.
"""

from statistics import median, quantiles

from stack.console import exit_on_error, step
from stack.provide import odoo_source
from tests.benchmarks import load
from tests.benchmarks.rounds import interleaved, ratio
from tests.benchmarks.servers import TELEMETRY, Server, running

PATH = "/web/login"
CLIENTS = 4
REQUESTS = 300
ROUNDS = 4
STARTS = 5
WARMING = 200

WITH, WITHOUT = "with", "without"


def measure(server: Server) -> dict[str, float]:
    """Send one round of requests to ``server`` and return what it took."""
    used = server.cpu_seconds()
    total, each = load.timed(server.port, PATH, REQUESTS, CLIENTS)
    used = server.cpu_seconds() - used
    return {
        "requests a second": REQUESTS / total,
        "p50, ms": median(each) * 1e3,
        "p99, ms": quantiles(each, n=100)[-1] * 1e3,
        "CPU time a request, ms": used / REQUESTS * 1e3,
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
    for measurement in rounds[WITH][0]:
        results = {name: [taken[measurement] for taken in values] for name, values in rounds.items()}
        print(
            f"  {measurement:28} {median(results[WITH]):9.2f} {median(results[WITHOUT]):9.2f}   "
            f"{ratio(results, WITH, WITHOUT):.3f}"
        )


def main() -> None:
    with exit_on_error(), running(odoo_source.choose(), {WITHOUT: "", WITH: TELEMETRY}) as servers:
        compare(servers)


if __name__ == "__main__":
    main()
