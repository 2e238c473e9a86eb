"""A back office that stays open in a browser: its websocket goes by the proxy to Odoo's gevent worker.

The proxy closes a silent websocket after 720 s: five times an hour. Here, a proxy of the test's own, otherwise
configured as the stack's, closes it after 3 s.
"""

import os
import subprocess

import pytest
import requests

from stack.services import proxy
from stack.services.odoo import DATABASE
from stack.system import answers
from tests.waiting import until

from .metrics import Metrics

ERRORS = "odoo_application_errors_total"
OPEN = "odoo_websockets_open"
# More often than in an hour.
CUTS = 6


@pytest.fixture
def impatient(stack, tmp_path):
    """The address of a proxy that ends a silent websocket after 3 s, and a function that counts how often it has."""
    program = proxy.program(stack.layout)
    text = proxy.configuration(stack.layout)
    port = stack.layout.ports.free().web
    for before, after in {
        "location /websocket {": "location /websocket { proxy_read_timeout 3s;",
        f":{stack.layout.ports.web};": f":{port};",
        "access_log off": 'log_format status "$status $uri"; access_log access.log status',
    }.items():
        assert before in text
        text = text.replace(before, after)
    (tmp_path / "nginx.conf").write_text(text)
    command = [
        *program.command[: program.command.index("-e")],
        "-e",
        "stderr",
        "-p",
        f"{tmp_path}/",
        "-c",
        tmp_path / "nginx.conf",
    ]
    command += ["-g", "user root;"] if os.geteuid() == 0 else []
    process = subprocess.Popen(command, env={**os.environ, **program.environment})
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(f"{url}/websocket/health"), "the proxy answers")
        yield url, lambda: (tmp_path / "access.log").read_text().count("101 /websocket\n")
    finally:
        process.terminate()
        process.wait(30)


def test_an_hour_of_an_open_back_office_counts_no_error(stack, chromium, impatient):
    url, ended = impatient
    metrics = Metrics(stack)
    context = chromium.new_context(base_url=url)
    who = {"db": DATABASE, "login": "admin", "password": stack.layout.secret("admin")}
    context.request.post("/web/session/authenticate", data={"jsonrpc": "2.0", "params": who})
    page = context.new_page()
    page.goto("/odoo", timeout=120_000)
    page.wait_for_selector(".o_main_navbar", timeout=120_000)
    until(lambda: metrics.total(OPEN) > 0, "its websocket is open")
    until(lambda: ended() >= CUTS, f"the proxy has ended {CUTS} websockets", 240)
    context.close()
    assert metrics.moved(ERRORS) == {}


def test_a_websocket_that_reaches_an_http_worker_is_an_error(stack):
    """Which is why there is a proxy: without one, each browser would retry without end, about once a minute."""
    headers = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": stack.url("web"),
    }  # fmt: skip
    metrics = Metrics(stack)
    for name, errors in (("web", 0), ("odoo", 1)):
        url = stack.url(name, "/websocket?version=18.0-3")
        with requests.get(url, headers=headers, timeout=30, stream=True) as response:
            assert response.status_code == (500 if errors else 101)
        assert metrics.total(ERRORS) == errors


def test_the_proxy_does_not_pass_scrapes_on(stack):
    """Prometheus asks each server itself; behind a balancer, counters would seem to fall."""
    for path in ("/metrics", "/telemetry/metrics"):
        assert requests.get(stack.url("web", path), timeout=30).status_code == 404
        assert requests.get(stack.url("odoo", path), timeout=30).status_code == 401
