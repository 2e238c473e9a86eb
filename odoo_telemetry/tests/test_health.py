import json
from unittest.mock import patch

from odoo import sql_db
from odoo.http import root
from odoo.tests import HttpCase, TransactionCase, tagged

from ..metrics import store
from ..metrics.settings import Settings
from ..odoo_hooks import health

UNREACHABLE = "", {"database": "x", "host": "127.0.0.1", "port": 9, "user": "x"}


class Forgetful:
    """Mixin: each check asks again, and those of other addons are left out."""

    def setUp(self):
        super().setUp()
        known = {name: check for name, check in health.CHECKS.items() if name in ("database", "filestore")}
        self.startPatcher(patch.dict(health.CHECKS, known, clear=True))
        self.forget()
        self.addCleanup(self.forget)

    def forget(self):
        for check in health.CHECKS.values():
            check.forget()


@tagged("post_install", "-at_install")
class TestReady(Forgetful, TransactionCase):
    def test_ready(self):
        status, answer = health.ready()
        self.assertEqual(status, "200 OK")
        self.assertEqual(answer, {"status": "ok", "checks": {"database": "ok", "filestore": "ok"}})

    def test_a_check_of_another_addon_is_made_once_in_a_while(self):
        results = [health.OK, health.FAILED]
        health.declare_check("trial", results.pop, 60)
        for _probe in range(5):
            self.assertEqual(health.ready()[1]["status"], "degraded")
        health.CHECKS["trial"].forget()
        self.assertEqual(health.ready()[1]["status"], "ok")

    def test_without_the_database_it_is_not_ready(self):
        with patch.object(sql_db, "connection_info_for", return_value=UNREACHABLE):
            status, answer = health.ready()
        self.assertEqual(status, "503 Service Unavailable")
        self.assertEqual(answer["checks"], {"database": "failed", "filestore": "unknown"})

    def test_a_database_that_was_dropped_is_not_missed(self):
        databases = {**store.databases.settings(), "no_such_database": Settings()}
        with patch.object(store.databases, "settings", return_value=databases):
            self.assertEqual(health.ready()[0], "200 OK")

    def test_without_the_filestore_it_is_not_ready(self):
        with patch.object(health.os, "access", return_value=False):
            status, answer = health.ready()
        self.assertEqual((status, answer["checks"]["filestore"]), ("503 Service Unavailable", "failed"))

    def test_with_no_database_measured_the_server_is_asked(self):
        with patch.object(store.databases, "settings", return_value={}):
            status, answer = health.ready()
        self.assertEqual(status, "200 OK")
        self.assertEqual(answer["checks"], {"database": "ok", "filestore": "ok"})


@tagged("post_install", "-at_install")
class TestProbes(Forgetful, HttpCase):
    def test_over_http(self):
        for path, expected in {"live": "ok", "ready": "ok"}.items():
            response = self.url_open(f"/telemetry/health/{path}")
            self.assertEqual((response.status_code, response.json()["status"]), (200, expected))
            self.assertEqual(response.headers["Content-Type"], "application/json")
            self.assertNotIn("Set-Cookie", response.headers)
        self.assertEqual(self.url_open("/telemetry/health").json(), response.json())
        head = self.opener.head(f"{self.base_url()}/telemetry/health/live", timeout=10)
        self.assertEqual((head.status_code, head.content), (200, b""))
        self.assertEqual(self.url_open("/telemetry/health/live", data={"a": "b"}).status_code, 404)

    def test_liveness_touches_nothing_of_odoo(self):
        with (
            patch.object(sql_db.ConnectionPool, "borrow", side_effect=AssertionError),
            patch.object(root.__class__, "session_store", side_effect=AssertionError),
        ):
            answer = []
            body = root(
                {"PATH_INFO": "/telemetry/health/live", "REQUEST_METHOD": "GET"},
                lambda status, headers: answer.append(status),
            )
        self.assertEqual((answer, json.loads(b"".join(body))), (["200 OK"], {"status": "ok"}))

    def test_uninstall_restores_odoo(self):
        health.uninstall()
        try:
            self.assertEqual(self.url_open("/telemetry/health/live").status_code, 404)
        finally:
            health.install()
