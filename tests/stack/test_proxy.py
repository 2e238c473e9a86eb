"""The proxy in front of Odoo: nginx itself, with two servers in Odoo's place that tell what reached them."""

import http.server
import json
import os
import socket
import subprocess
import threading

import psutil
import pytest
import requests

from stack.layout import Layout
from stack.ports import Ports
from stack.services import proxy
from stack.services.processes import Processes
from tests.waiting import until

pytestmark = pytest.mark.servers


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with its port and the headers of the request."""

    def do_GET(self):
        body = json.dumps({"port": self.server.server_port, **dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """The ports of a proxy that runs, and of what is behind it."""
    ports = Ports.free()
    program = proxy.program(Layout(tmp_path_factory.mktemp("state"), ports))
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", port), Echo) for port in (ports.odoo, ports.gevent)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    process = subprocess.Popen(program.command, env={**os.environ, **program.environment})
    try:
        until(lambda: answers(ports.web), "nginx answers")
        yield ports
    finally:
        process.terminate()
        process.wait(30)
        for server in servers:
            server.shutdown()
            server.server_close()


def answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
    except requests.ConnectionError:
        return False


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def received(ports, path, **headers):
    return requests.get(f"http://127.0.0.1:{ports.web}{path}", headers=headers, timeout=10).json()


def test_websockets_go_to_the_gevent_worker_and_all_else_to_the_others(ports):
    for path in ("/odoo", "/web/health", "/longpolling", "/web/websocket"):
        assert received(ports, path)["port"] == ports.odoo
    opened = received(ports, "/websocket?version=19.0-2", Connection="Upgrade", Upgrade="websocket")
    assert (opened["port"], opened["Connection"], opened["Upgrade"]) == (ports.gevent, "upgrade", "websocket")
    assert "Upgrade" not in received(ports, "/websocket/health")


def test_odoo_sees_the_origin_that_the_browser_has(ports):
    """With the port, or a websocket is taken for one of another site."""
    assert received(ports, "/odoo")["Host"] == f"127.0.0.1:{ports.web}"


def test_a_client_does_not_say_who_it_is(ports):
    """Otherwise a client could evade the limits per client by naming other addresses."""
    seen = received(ports, "/odoo", **{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"]) == ("127.0.0.1", "http")


def test_it_ends_with_its_supervisor(tmp_path):
    ports = Ports.free()
    processes = Processes(Layout(tmp_path / "state", ports))
    processes.configure([proxy.program(processes.layout)])
    processes.start("proxy")
    processes.wait("proxy", lambda: listens(ports.web))
    master = psutil.Process(processes.pid("proxy"))
    master.parent().kill()
    master.wait(30)
    assert not listens(ports.web)


@pytest.mark.parametrize("path", ["/metrics", "/telemetry/metrics"])
def test_scrapes_are_not_passed_on(ports, path):
    assert requests.get(f"http://127.0.0.1:{ports.web}{path}", timeout=10).status_code == 404
