import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from stack.layout import PROJECT
from stack.ports import Ports
from stack.services import odoo, postgres
from stack.system import answers
from tests.end_to_end.client import Client
from tests.end_to_end.databases import open_to_the_token
from tests.end_to_end.load import behave
from tests.end_to_end.servers import serving
from tests.otlp import collecting
from tests.waiting import until

DATABASE = "traced"


@pytest.fixture
def collector():
    """A collector that runs, and has received nothing."""
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="session")
def database(stack):
    """A copy of the running system's database."""
    stack.processes.stop("odoo")
    postgres.execute(stack.layout, f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')
    postgres.execute(stack.layout, f'CREATE DATABASE "{DATABASE}" TEMPLATE "{odoo.DATABASE}"')
    open_to_the_token(stack.layout, DATABASE)
    stack.processes.start("odoo")
    stack.processes.wait("odoo", lambda: answers(stack.url("odoo", "/web/login")))
    return DATABASE


@pytest.fixture(scope="session")
def traced(stack, database):
    """A server with two workers, whose log is JSON, and with n8n's stub; ``traced.collector`` gets its spans."""
    # other tests have it fail
    behave(stack, "ai", latency={"median": 0, "sigma": 0}, fail_rate=0, timeout_rate=0, garbage_rate=0)
    with (
        collecting() as collector,
        serving(
            stack, [database], 2, odoo_telemetry_otlp_endpoint=collector.url,
            odoo_telemetry_json_logs="True",
        ) as server,
        n8n(stack) as webhook,
    ):  # fmt: skip
        parameters = {
            "influencegen.n8n_webhook_url": webhook,
            "influencegen.callback_url": f"{server.url}/influencegen/image/callback",
        }
        server.client = Client(server.url, database).log_in(database, "admin", stack.layout.secret("admin"))
        for name, value in parameters.items():
            server.client.call("ir.config_parameter", "set_param", name, value)
        server.collector, server.database = collector, database
        yield server


@contextmanager
def n8n(stack):
    """Run n8n's stub during the block; yield the address of its webhook."""
    port = Ports.free().n8n
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "stack.simulators.n8n_stub", "--port", str(port)], cwd=PROJECT,
        env={
            **os.environ, "INFLUENCEGEN_WEBHOOK_SECRET": stack.layout.secret("webhook"),
            "AI_SERVICE_URL": stack.url("ai"), "AI_SERVICE_TOKEN": stack.layout.secret("ai-service"),
        },
    )  # fmt: skip
    try:
        until(lambda: answers(f"{url}/health"), "n8n's stub answers")
        yield f"{url}/webhook/influencegen-image"
    finally:
        process.terminate()
        process.wait(60)
