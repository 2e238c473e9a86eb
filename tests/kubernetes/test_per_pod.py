"""Two pods, scraped as the chart has it, and through a balancer as a Service is, by a real Prometheus."""

import itertools
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stack.layout import Layout
from stack.ports import Ports
from tests.storage.servers import start_prometheus
from tests.waiting import until

from .chart import render

pytestmark = pytest.mark.servers

RESETS = 9
BODY = """\
# TYPE odoo_http_requests_total counter
odoo_http_requests_total{{database="shop"}} {requests}
# TYPE sale_orders_confirmed_total counter
sale_orders_confirmed_total{{database="shop"}} 7
"""
"""What a pod counts itself, and a fact that all pods read from their database."""


class Pods(ThreadingHTTPServer):
    """Two pods on the paths /odoo-a and /odoo-b, and a Service in front of both on /service."""

    def __init__(self):
        self.counts = {"/odoo-a": itertools.count(1000), "/odoo-b": itertools.count(10)}
        self.turns = itertools.cycle(self.counts)
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        pod = next(self.server.turns) if self.path == "/service" else self.path
        body = BODY.format(requests=next(self.server.counts[pod])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def snake(rule):
    """Return a relabeling of the operator as Prometheus writes it."""
    return {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): value for name, value in rule.items()}


def pod(address, path):
    """Return a target as the operator's configuration finds a pod, before the chart's relabelings."""
    name = path.strip("/")
    labels = {"__meta_kubernetes_pod_name": name, "namespace": "shop", "pod": name, "container": "odoo",
              "endpoint": "http", "__metrics_path__": path}  # fmt: skip
    return {"targets": [address], "labels": labels}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """A Prometheus that has scraped both pods by themselves, as job odoo, and through the Service."""
    [monitor] = render()["PodMonitor"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    with Pods() as pods:
        threading.Thread(target=pods.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{pods.server_address[1]}"
        common = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
        jobs = [
            {
                **common,
                "job_name": "podMonitor/shop/telemetry/0",
                "static_configs": [pod(address, path) for path in pods.counts],
                "relabel_configs": [snake(rule) for rule in endpoint["relabelings"]],
            },
            {**common, "job_name": "service", "metrics_path": "/service", "static_configs": [{"targets": [address]}]},
        ]
        state = tmp_path_factory.mktemp("prometheus")
        server = start_prometheus(Layout(state, Ports.free()), "none.yml", {"scrape_configs": jobs})

        def query(promql):
            return server.get("/api/v1/query", query=promql)["data"]["result"]

        try:
            until(lambda: len(query("up == 1")) == 3, "both pods and the Service are scraped")
            yield query
        finally:
            server.kill()
            pods.shutdown()


def test_a_balancer_makes_counters_seem_to_reset(scraped):
    """Each reset counts all that a pod has ever counted again."""
    resets = 'resets(odoo_http_requests_total{job="service"}[5m])'
    until(lambda: [series for series in scraped(resets) if int(series["value"][1]) >= RESETS], f"{RESETS} resets")
    pods = scraped('resets(odoo_http_requests_total{job="odoo"}[5m])')
    assert [series["value"][1] for series in pods] == ["0", "0"]


def test_pods_differ_in_their_instance_alone(scraped):
    """Rules take the greatest value over instances of what all pods read from the database: once, not once a pod."""
    targets = [series["metric"] for series in scraped('up{job="odoo"}')]
    assert sorted(targets, key=lambda labels: labels["instance"]) == [
        {"__name__": "up", "job": "odoo", "instance": name, "namespace": "shop"} for name in ("odoo-a", "odoo-b")
    ]
    [fact] = scraped('sum by (database) (max without (instance) (sale_orders_confirmed_total{job="odoo"}))')
    assert fact["value"][1] == "7"
