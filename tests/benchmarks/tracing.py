"""``/web/login`` on Odoo with 4 workers, with telemetry that sends a span for each request.

Baselines: the same with tracing off, as it is by default, and Odoo without telemetry. The three servers run all the
time, each on a database of its own, and take turns; see ``requests.py`` for how, and for what is printed. The collector
takes the spans and does not look at them: its work is not Odoo's.
"""

from statistics import median

from stack.console import exit_on_error
from stack.provide import odoo_source
from tests.benchmarks.requests import PATH, measure_all
from tests.benchmarks.rounds import ratio
from tests.benchmarks.servers import TELEMETRY, Server, running
from tests.otlp import collecting

ROUNDS = 6
STARTS = 4

ON, OFF, WITHOUT = "on", "off", "without"
TAKEN_UNREAD = 204


def compare(servers: dict[str, Server]) -> None:
    """Measure the servers in turns and print what came of it."""
    rounds = measure_all(servers, ROUNDS, STARTS)
    print(f"\n{PATH:30} {ON:>9} {OFF:>9} {WITHOUT:>9}   {ON} / {OFF}   {OFF} / {WITHOUT}")
    for measurement in rounds[ON][0]:
        results = {name: [taken[measurement] for taken in values] for name, values in rounds.items()}
        medians = " ".join(f"{median(results[name]):9.2f}" for name in (ON, OFF, WITHOUT))
        print(f"  {measurement:28} {medians}   {ratio(results, ON, OFF):8.3f}   {ratio(results, OFF, WITHOUT):13.3f}")


def main() -> None:
    with exit_on_error(), collecting() as collector:
        collector.status = TAKEN_UNREAD
        settings = {ON: {"odoo_telemetry_otlp_endpoint": collector.url}}
        addons = {WITHOUT: "", OFF: TELEMETRY, ON: TELEMETRY}
        with running(odoo_source.choose(), addons, settings=settings) as servers:
            compare(servers)
        print(f"  {collector.batches} batches of spans were taken")


if __name__ == "__main__":
    main()
