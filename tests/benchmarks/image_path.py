"""The AI image path through n8n: from which rate on work piles up, as one process and in queue mode with two workers.

Baseline: one process at 10,000 images a day. The whole system shares the machine: Odoo with 4 workers, PostgreSQL, n8n,
Prometheus, and an AI service that answers after half a second. Images are asked for at an even rate for `SECONDS`.
Printed for each rate: images that ended in that time as a share of those asked for, those still unfinished at its end
(rate × latency, if no work piles up), the p50 and p95 of Odoo's own latency, and its ratio to the baseline.
"""

import shutil
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles

from stack import system
from stack.console import exit_on_error
from stack.layout import Layout
from stack.ports import Ports
from stack.scenarios.demo import control
from stack.scenarios.traffic import administrator
from stack.services import n8n, postgres
from stack.services.odoo import DATABASE
from stack.services.odoo_client import OdooClient
from stack.verify.image_stages import FINAL, IMAGE, last_image

SECONDS = 45
A_DAY = 86_400
IMAGES_A_DAY = (10_000, 100_000, 250_000, 500_000, 1_000_000)
CLIENTS = 8
MODES = {"one process": system.N8nMode(), "queue mode, 2 workers": system.N8nMode(workers=2)}


class Source:
    """Asks Odoo for images at an even rate, as campaign managers do in the back office."""

    def __init__(self, running: system.System):
        admin = administrator(running)
        admin.call("ir.config_parameter", "set_param", "influencegen.image_daily_quota", "1000000")
        [self._model] = admin.call("influencegen.image.model", "search", [("code", "=", "sdxl")])
        self._clients = [administrator(running) for _ in range(CLIENTS)]

    def ask(self, rate: float, seconds: float) -> int:
        """Ask for `rate` images a second for so long and return how many were asked for."""
        moments = iter(range(max(1, round(rate * seconds))))
        begun, taking, asked = time.monotonic(), threading.Lock(), []

        def work(client: OdooClient) -> None:
            while True:
                with taking:
                    number = next(moments, None)
                if number is None or time.monotonic() > begun + seconds:
                    return
                time.sleep(max(0.0, begun + number / rate - time.monotonic()))
                values = {"model_id": self._model, "prompt": "A lighthouse"}
                wizard = client.call("influencegen.image.request", "create", values)
                client.call("influencegen.image.request", "action_request", [wizard])
                asked.append(number)

        threads = [threading.Thread(target=work, args=[client]) for client in self._clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        return len(asked)


def measure(running: system.System, source: Source, images_a_day: int) -> tuple[int, int, int, list[float]]:
    """Return how many images were asked for, ended, and were unfinished after `SECONDS`, and all latencies (s)."""
    admin = administrator(running)
    last = last_image(admin)
    asked = source.ask(images_a_day / A_DAY, SECONDS)
    ours = [("id", ">", last)]
    ended = admin.call(IMAGE, "search_count", [*ours, ("state", "in", FINAL)])
    unfinished = admin.call(IMAGE, "search_count", [*ours, ("state", "not in", FINAL)])
    while admin.call(IMAGE, "search_count", [*ours, ("state", "not in", FINAL)]):
        time.sleep(0.5)
    rows = postgres.execute(
        running.layout,
        "SELECT extract(epoch FROM finished_at - requested_at) FROM influencegen_image"
        f" WHERE state = 'done' AND id > {last}",
        database=DATABASE,
    )
    return asked, ended, unfinished, [float(seconds) for [seconds] in rows]


def main() -> None:
    state, ports = Path(tempfile.mkdtemp(prefix="influencegen-benchmark-")), Ports.free()
    layout, baseline, lines = Layout(state, ports), None, []
    try:
        for name, mode in MODES.items():
            running = system.up(layout, mode)
            control(running, "ai", {"latency": {"median": 0.5, "sigma": 0.0}})
            n8n.limit(layout, breaker_failures=1_000)
            source = Source(running)
            source.ask(2, 10)
            for images_a_day in IMAGES_A_DAY:
                asked, ended, unfinished, latencies = measure(running, source, images_a_day)
                p95 = quantiles(latencies, n=20)[-1]
                baseline = baseline or p95
                lines.append(
                    f"{images_a_day:9,} {asked:6} {ended / asked:7.2f} {unfinished:11} {len(latencies):6}"
                    f" {median(latencies):7.2f} {p95:7.2f} {p95 / baseline:6.2f}   {name}"
                )
        print("\nimages a day  asked  ended/  unfinished   done  median     p95  ratio")
        print("\n".join(lines))
    finally:
        system.clean(layout)
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    with exit_on_error():
        main()
