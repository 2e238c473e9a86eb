"""The first event of a series: seen by Prometheus with created-timestamp-zero-ingestion, lost without it."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from influencegen_telemetry.business.metrics import CAMPAIGN_APPLICATIONS
from odoo_telemetry.metrics import exposition, facts, store
from odoo_telemetry.metrics.catalogue import HTTP_REQUEST_DURATION, HTTP_REQUESTS
from odoo_telemetry.metrics.settings import Settings
from stack.ports import Ports
from stack.services import prometheus
from stack.services.processes import Program
from tests.waiting import until

from .servers import Server

pytestmark = pytest.mark.servers

HTTP = {"route": "/new", "method": "GET", "status_code_class": "2xx"}
FEATURE = "--enable-feature=created-timestamp-zero-ingestion"


class Handler(BaseHTTPRequestHandler):
    """`/metrics` as the controller answers it."""

    def do_GET(self):
        created = parse_qs(urlsplit(self.path).query).get("created") == ["true"]
        families = exposition.Families(store.databases.settings(), created=created)
        body, headers = exposition.encode(families, self.headers["Accept"], "")
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def odoo(tmp_path):
    """The port of a server that answers scrapes of a store of its own."""
    store.directory.configure(tmp_path / "store")
    store.databases.publish("db", Settings())
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
    store.directory.configure(tmp_path / "unused")


@pytest.fixture
def start(odoo, running, tmp_path):
    """A function that starts a Prometheus with these options, which scrapes with these parameters each second."""

    def start(name, *options, **parameters):
        folder = tmp_path / name
        folder.mkdir()
        scrape = {"job_name": "odoo", "static_configs": [{"targets": [f"127.0.0.1:{odoo}"]}], "params": parameters}
        configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        port = Ports.free().prometheus
        command = [
            prometheus.executable("prometheus"), f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", *options,
        ]  # fmt: skip
        return running(Server(Program("prometheus", command, directory=folder), f"http://127.0.0.1:{port}", folder))

    return start


def value(server, promql):
    """Return the sum of an instant query now, None if it has no result."""
    found = [number for _labels, number in server.query(promql, time.time())]
    return sum(found) if found else None


def test_the_first_event_of_a_series(start):
    on = start("on", FEATURE, created=["true"])
    off = start("off")
    facts.publish("db", {}, time.time(), [CAMPAIGN_APPLICATIONS.name])
    for server in (on, off):
        until(lambda server=server: value(server, "up") == 1, "it is scraped")

    HTTP_REQUESTS.inc(database="db", user_role="user", **HTTP)
    HTTP_REQUEST_DURATION.observe(0.1, database="db", **HTTP)
    facts.publish("db", {(CAMPAIGN_APPLICATIONS.name, ("1",), ""): 1.0}, time.time(), [CAMPAIGN_APPLICATIONS.name])
    series = (
        'odoo_http_requests_total{route="/new"}',
        'odoo_http_request_duration_seconds_count{route="/new"}',
        'odoo_http_request_duration_seconds_bucket{route="/new", le="+Inf"}',
        'campaign_applications_total{campaign_id="1"}',
    )
    for server in (on, off):
        for one in series:
            until(lambda server=server, one=one: (value(server, f"count_over_time({one}[1m])") or 0) >= 5, one)
    for one in series:
        assert value(on, f"increase({one}[1m])") >= 0.9, one
        assert value(off, f"increase({one}[1m])") == 0, one
    for server in (on, off):
        assert not [name for name in server.names() if name.endswith("_created")]

    HTTP_REQUESTS.inc(database="db", user_role="user", **HTTP)
    for server in (on, off):
        until(lambda server=server: value(server, series[0]) == 2, "the second event is scraped")
    assert 1.9 <= value(on, f"increase({series[0]}[1m])") < 3, "nothing counts twice"
    assert 0.9 <= value(off, f"increase({series[0]}[1m])") < 2
