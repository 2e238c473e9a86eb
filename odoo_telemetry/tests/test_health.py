import json
import os
import tempfile
from unittest.mock import patch

from odoo import sql_db
from odoo.http import root
from odoo.tests import HttpCase, TransactionCase, tagged

from ..metrics import store
from ..metrics.settings import Settings
from ..odoo_hooks import health

UNREACHABLE = "", {"database": "x", "host": "127.0.0.1", "port": 9, "user": "x"}


class Forgetful:
    """Mixin: each check asks again, and all but those of the database and the filestore are left out."""

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

    def ready_in(self, data_dir):
        """Return (status, check of the filestore) with Odoo's files in ``data_dir`` (str)."""
        with patch.object(health.config, "filestore", lambda database: os.path.join(data_dir, "filestore", database)):
            self.forget()
            status, answer = health.ready()
        return status.partition(" ")[0], answer["checks"]["filestore"]

    def test_a_filestore_that_is_not_made_yet_is_made_with_the_first_file(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.ready_in(folder), ("200", "ok"))
            self.assertEqual(self.ready_in(f"{folder}/fresh/pod"), ("200", "ok"))
            self.assertEqual(os.listdir(folder), [], "a probe makes nothing")

    def test_a_filestore_that_cannot_be_made_is_missed_where_attachments_are_files(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assertEqual(self.ready_in(file.name), ("503", "failed"))

    def test_a_filestore_that_cannot_be_made_is_not_missed_where_attachments_are_elsewhere(self):
        statement = health._NEWEST_FILE.replace("ir_attachment", "elsewhere")
        names = ", ".join(["(1, 'loc://ab/abc')", "(2, 's3://bucket/x')", "(3, NULL)", "(4, '')"])
        elsewhere = f"WITH elsewhere (id, store_fname) AS (VALUES {names}) {statement}"
        with tempfile.NamedTemporaryFile() as file, patch.object(health, "_NEWEST_FILE", elsewhere):
            self.assertEqual(self.ready_in(file.name), ("200", "ok"))

    def test_of_many_databases_some_are_asked_in_turns(self):
        names = [f"db{number:02}" for number in range(25)]
        with patch.object(health, "measured", return_value=names), patch.object(health, "query") as query:
            asked = []
            for _probe in range(5):
                query.reset_mock()
                health.CHECKS["database"].forget()
                self.assertEqual(health.CHECKS["database"](), "ok")
                asked += [call.args[0] for call in query.call_args_list]
                self.assertEqual(query.call_count, 10)
        self.assertEqual({asked.count(name) for name in names}, {2})

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
