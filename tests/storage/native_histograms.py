"""What Prometheus makes of a wide histogram: classic, native with custom buckets, or both.

`python -m tests.storage.native_histograms` prints the table of docs/storage.md: two minutes of scrapes, one a second,
of odoo_http_request_duration_seconds with 200 series of labels, by each of three Prometheus at the same time.
"""

import itertools
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
import yaml

from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION
from stack.layout import Layout
from stack.ports import Ports
from stack.services import prometheus
from tests.storage.servers import Server

NAME = "odoo_http_request_duration_seconds"
CONVERTED = {"convert_classic_histograms_to_nhcb": True}
MODES = {"classic": {}, "native": CONVERTED, "both": {**CONVERTED, "always_scrape_classic_histograms": True}}
LABELS = [
    f'route="/r{route}",method="{method}",status_class="{status}"'
    for route, method, status in itertools.product(range(50), ("GET", "POST"), ("2xx", "4xx"))
]
# How p95 is asked for, of what is kept.
CLASSIC = f"histogram_quantile(0.95, sum by (route, le) (rate({NAME}_bucket[30s])))"
NATIVE = f"histogram_quantile(0.95, sum by (route) (rate({NAME}[30s])))"


class Exposition(BaseHTTPRequestHandler):
    """Serves the histogram: requests since the start, more of the short ones, in each of its buckets."""

    begun = time.time()

    def do_GET(self):
        requested = 100_000 + int(100 * (time.time() - self.begun))
        lines = [f"# TYPE {NAME} histogram"]
        for number, labels in enumerate(LABELS):
            within = 0
            # each bucket alone grows, or it would be a reset
            for share, bound in enumerate((*HTTP_REQUEST_DURATION.buckets, "+Inf"), 1):
                within += (requested + number) // share
                lines.append(f'{NAME}_bucket{{{labels},le="{bound}"}} {within}')
            lines += [f"{NAME}_sum{{{labels}}} {within / 5}", f"{NAME}_count{{{labels}}} {within}"]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextmanager
def running(folder: Path):
    """Give a Prometheus for each of MODES, all of which scrape the histogram every second."""
    with ExitStack() as stack:
        served = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Exposition))
        threading.Thread(target=served.serve_forever, daemon=True).start()
        stack.callback(served.shutdown)
        yield {mode: stack.enter_context(_server(folder / mode, served.server_port, mode)) for mode in MODES}


@contextmanager
def _server(state: Path, port: int, mode: str):
    layout = Layout(state, Ports.free())
    prometheus.configure(layout)
    target = {"job_name": "odoo", "scrape_interval": "1s", "scrape_timeout": "1s", **MODES[mode]}
    target["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    (state / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [target]}))
    [program] = [program for program in prometheus.programs(layout) if program.name == "prometheus"]
    program = replace(program, command=[*program.command, "--enable-feature=native-histograms"])
    server = Server(program, layout.url("prometheus"), state)
    server.data = next(Path(str(word).partition("=")[2]) for word in program.command if "tsdb.path" in str(word))
    try:
        yield server
    finally:
        server.stop()


def series(server) -> int:
    """How many series the histogram is."""
    return int(sum(value for _, value in server.query(f'count({{__name__=~"{NAME}.*"}})', time.time())))


def size(server) -> int:
    """The bytes of a block with all samples, its index included."""
    answer = requests.post(f"{server.url}/api/v1/admin/tsdb/snapshot", timeout=60)
    block = server.data / "snapshots" / answer.json()["data"]["name"]
    return sum(path.stat().st_size for path in block.rglob("*") if path.is_file())


def seconds(server, query) -> float:
    """The median duration, in seconds, of a range query over a minute in steps of a second."""
    now, taken = time.time(), []
    for _ in range(15):
        begun = time.perf_counter()
        server.get("/api/v1/query_range", query=query, start=now - 60, end=now, step=1)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def main():
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as servers:
        time.sleep(130)
        print("| | series | bytes | query |\n|---|---|---|---|")
        for mode, server in servers.items():
            query = CLASSIC if mode == "classic" else NATIVE
            print(f"| {mode} | {series(server)} | {size(server)} | {1000 * seconds(server, query):.0f} ms |")


if __name__ == "__main__":
    main()
