"""Serve the GPUs of this machine to Prometheus: python -m exporters.gpu_exporter --port 9835"""

import argparse
import logging
import sys

from prometheus_client import CollectorRegistry, start_http_server

from .collector import GpuCollector
from .source import Source


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="gpu_exporter", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9835)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s gpu_exporter: %(message)s")
    collector = GpuCollector(Source())
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        _, thread = start_http_server(options.port, options.host, registry)
    except OSError as error:
        sys.exit(f"gpu_exporter: cannot listen on {options.host}:{options.port}: {error.strerror}")
    # log at once, not at the first scrape, which GPUs there are, or why there are none
    collector.collect()
    thread.join()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
