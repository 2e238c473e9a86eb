import json
from contextlib import contextmanager
from unittest.mock import patch

from odoo import sql_db
from odoo.http import root
from odoo.tests import HttpCase, TransactionCase, tagged

from .. import n8n_health
from ..instrumentation import health
from ..metrics import store
from ..metrics.settings import Settings
from .monitoring_case import answering

NOWHERE = "http://127.0.0.1:9/webhook/influencegen-image"
UNREACHABLE = "", {"database": "x", "host": "127.0.0.1", "port": 9, "user": "x"}


@contextmanager
def n8n(status):
    """Answer every GET with ``status``; give the address and the list of paths that were asked for."""
    with answering(b"", status) as (address, asked):
        yield f"{address}/webhook/influencegen-image", asked


class Forgetful:
    """Mixin: each check asks again, and webhooks go where the test says."""

    def setUp(self):
        super().setUp()
        self.forget()
        self.addCleanup(self.forget)
        self.webhook = NOWHERE
        query = health.query

        def answered(database, statement, *parameters):
            if parameters == (n8n_health.WEBHOOK_PARAMETER,):
                query(database, statement, *parameters)
                return [] if self.webhook is None else [(self.webhook,)]
            return query(database, statement, *parameters)

        self.startPatcher(patch.object(health, "query", answered))

    def forget(self):
        for check in health.CHECKS.values():
            check.forget()


@tagged("post_install", "-at_install")
class TestReady(Forgetful, TransactionCase):
    def test_ready(self):
        with n8n(200) as (self.webhook, asked):
            status, answer = health.ready()
        self.assertEqual(status, "200 OK")
        self.assertEqual(
            answer, {"status": "ok", "checks": {"database": "ok", "filestore": "ok", "n8n": "ok"}}
        )
        self.assertEqual(asked, ["/healthz"])

    def test_without_n8n_it_is_degraded_and_serves_on(self):
        status, answer = health.ready()
        self.assertEqual((status, answer["status"], answer["checks"]["n8n"]), ("200 OK", "degraded", "failed"))

    def test_an_n8n_that_fails_is_none(self):
        with n8n(503) as (self.webhook, _asked):
            self.assertEqual(health.ready()[1]["status"], "degraded")

    def test_an_n8n_that_has_no_such_page_is_there(self):
        with n8n(404) as (self.webhook, _asked):
            self.assertEqual(health.ready()[1]["status"], "ok")

    def test_n8n_is_asked_once_in_a_while(self):
        with n8n(200) as (self.webhook, asked):
            for _probe in range(5):
                health.ready()
        self.assertEqual(len(asked), 1)

    def test_without_an_address_n8n_is_unknown(self):
        for self.webhook in (None, ""):
            self.forget()
            status, answer = health.ready()
            self.assertEqual((status, answer["status"], answer["checks"]["n8n"]), ("200 OK", "ok", "unknown"))

    def test_without_the_database_it_is_not_ready(self):
        with patch.object(sql_db, "connection_info_for", return_value=UNREACHABLE):
            status, answer = health.ready()
        self.assertEqual(status, "503 Service Unavailable")
        self.assertEqual(answer["checks"], {"database": "failed", "filestore": "unknown", "n8n": "unknown"})

    def test_a_database_that_was_dropped_is_not_missed(self):
        databases = {**store.databases(), "no_such_database": Settings()}
        with patch.object(store, "databases", return_value=databases):
            self.assertEqual(health.ready()[0], "200 OK")

    def test_without_the_filestore_it_is_not_ready(self):
        with patch.object(health.os, "access", return_value=False):
            status, answer = health.ready()
        self.assertEqual((status, answer["checks"]["filestore"]), ("503 Service Unavailable", "failed"))

    def test_with_no_database_measured_the_server_is_asked(self):
        with patch.object(store, "databases", return_value={}):
            status, answer = health.ready()
        self.assertEqual(status, "200 OK")
        self.assertEqual(answer["checks"], {"database": "ok", "filestore": "ok", "n8n": "unknown"})


@tagged("post_install", "-at_install")
class TestProbes(Forgetful, HttpCase):
    def test_over_http(self):
        for path, expected in {"live": "ok", "ready": "degraded"}.items():
            response = self.url_open(f"/influencegen/health/{path}")
            self.assertEqual((response.status_code, response.json()["status"]), (200, expected))
            self.assertEqual(response.headers["Content-Type"], "application/json")
            self.assertNotIn("Set-Cookie", response.headers)
        self.assertEqual(self.url_open("/influencegen/health").json(), response.json())
        head = self.opener.head(f"{self.base_url()}/influencegen/health/live", timeout=10)
        self.assertEqual((head.status_code, head.content), (200, b""))
        self.assertEqual(self.url_open("/influencegen/health/live", data={"a": "b"}).status_code, 404)

    def test_liveness_touches_nothing_of_odoo(self):
        with (
            patch.object(sql_db.ConnectionPool, "borrow", side_effect=AssertionError),
            patch.object(root.__class__, "session_store", side_effect=AssertionError),
        ):
            answer = []
            body = root(
                {"PATH_INFO": "/influencegen/health/live", "REQUEST_METHOD": "GET"},
                lambda status, headers: answer.append(status),
            )
        self.assertEqual((answer, json.loads(b"".join(body))), (["200 OK"], {"status": "ok"}))

    def test_uninstall_restores_odoo(self):
        health.uninstall()
        try:
            self.assertEqual(self.url_open("/influencegen/health/live").status_code, 404)
        finally:
            health.install()
