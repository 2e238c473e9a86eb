"""A copy of a database that is served beside it calls nobody, and production's token shows none of it."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from tests.waiting import until

from .client import Client
from .databases import ALL, FIRST, SECOND, THIRD, register
from .load import address, document
from .pressure import SUCCESS
from .servers import serving
from .test_modes import administrator, counters, new_token

SCRAPES = 12
"""Enough for each worker to answer some of them."""


def by_odoo(server, neutralize):
    """Duplicate a database as Odoo's database manager does."""
    password = server.system.layout.secret("odoo-master")
    call = {"service": "db", "method": "duplicate_database", "args": [password, FIRST, THIRD, neutralize]}
    response = requests.post(f"{server.url}/jsonrpc", json={"jsonrpc": "2.0", "params": call}, timeout=120)
    assert response.json().get("result") is True, response.text


COPIES = {
    "neutralized": lambda server, databases: by_odoo(server, True),
    "duplicated": lambda server, databases: by_odoo(server, False),
    "by PostgreSQL": lambda server, databases: databases.make(THIRD, FIRST),
}


@contextmanager
def recorded():
    """Serve production's services; yield their address, and the list of the paths that were called."""
    called = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            called.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments):
            """Say nothing: tests look at what was called."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", called
        server.shutdown()


def shown(server, token=None):
    """Return {database: successful registrations} that all scrapes agree on."""
    scrapes = [counters(server.metrics(token), SUCCESS) for _ in range(SCRAPES)]
    assert all(scrape == scrapes[0] for scrape in scrapes), scrapes
    return scrapes[0]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_shows_nothing_until_a_token_is_made_in_it(system, databases, copy):
    with serving(system, [FIRST, SECOND], 2, list_db="True", **ALL) as server:
        register(server, FIRST, 2)
        before = shown(server)
        COPIES[copy](server, databases)
        register(server, THIRD, 3)
        assert shown(server) == before
        token = new_token(administrator(system, server, THIRD))
        assert shown(server, token) == {THIRD: before[FIRST] + 3}
        register(server, FIRST, 1)
        assert shown(server) == {**before, FIRST: before[FIRST] + 1}


def test_a_revoked_token_is_refused_by_each_worker_at_once(system, databases):
    with serving(system, [FIRST], 2) as server:
        admin = administrator(system, server, FIRST)
        until(lambda: server.metrics().ok, "it is scraped")
        found = admin.call("ir.config_parameter", "search", [("key", "=", "odoo_telemetry.token_digests")])
        admin.call("ir.config_parameter", "unlink", found)
        assert {server.metrics().status_code for _ in range(SCRAPES)} == {401}
        token = new_token(admin)
        assert {server.metrics(token).status_code for _ in range(SCRAPES)} == {200}
        databases.sql(FIRST, "DELETE FROM ir_config_parameter WHERE key = 'odoo_telemetry.token_digests'")
        assert {server.metrics(token).status_code for _ in range(SCRAPES)} == {401}


def test_a_neutralized_copy_calls_nobody(system, databases):
    with recorded() as (url, called), serving(system, [FIRST, SECOND], 2, list_db="True", **ALL) as server:
        admin = administrator(system, server, FIRST)
        for name in ("n8n_webhook_url", "kyc_url", "payment_url"):
            admin.call("ir.config_parameter", "set_param", f"influencegen.{name}", f"{url}/{name}")
        by_odoo(server, True)
        copy = administrator(system, server, THIRD)
        image = ask_for_image(copy)
        influencer = submit_document(server, copy)
        for job in ("cron_kyc_verify", "cron_settle_payments", "cron_time_out_images"):
            # neutralization has switched them off: by hand
            [record] = copy.call("ir.model.data", "search_read", [("name", "=", job)], ["res_id"])
            copy.call("ir.cron", "method_direct_trigger", [record["res_id"]])

        def ended(model, domain, state, reason):
            [found] = copy.call(model, "search_read", domain, ["state", reason])
            assert found["state"] == state
            assert "has no address" in found[reason]

        ours = ("id", "=", image)
        over = [ours, ("state", "!=", "requested")]
        until(lambda: copy.call("influencegen.image", "search", over), "the image's end")
        ended("influencegen.image", [ours], "failed", "error")
        ended("influencegen.kyc", [("influencer_id", "=", influencer)], "review", "automated_reason")
        assert called == []
        # they do leave where there is an address
        ask_for_image(admin)
        until(lambda: called, "production's request")
        assert set(called) == {"/n8n_webhook_url"}


def ask_for_image(admin):
    """Ask for an image as an administrator does; return its id."""
    [model] = admin.call("influencegen.image.model", "search", [], limit=1)
    request = admin.call("influencegen.image.request", "create", [{"model_id": model, "prompt": "A teal square"}])
    admin.call("influencegen.image.request", "action_request", request)
    [image] = admin.call("influencegen.image", "search", [], order="id desc", limit=1)
    return image


def submit_document(server, admin):
    """Register an influencer in the copy who submits a document; return the id."""
    person = Client(server.url, THIRD)
    email = address()
    person.register(email)
    [influencer] = admin.call("influencegen.influencer", "search", [("email", "=", email)])
    [record] = admin.call("influencegen.influencer", "read", [influencer], ["user_id"])
    admin.call("res.users", "write", record["user_id"][:1], {"password": email})
    person.log_in(THIRD, email, email).submit("/my/influencegen/kyc", files=document(), document_type="passport")
    return influencer
