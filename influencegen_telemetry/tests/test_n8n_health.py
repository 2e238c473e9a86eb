from contextlib import contextmanager
from unittest import skipUnless
from unittest.mock import patch

from odoo.tests import BaseCase, TransactionCase, tagged

from odoo.addons.odoo_telemetry.odoo_hooks import health
from odoo.addons.odoo_telemetry.tests.monitoring_case import answering
from odoo.addons.odoo_telemetry.tests.test_hook_tracing import NOBODY, InMemorySpanExporter, Traced

from .. import n8n_health

NOWHERE = f"{NOBODY}/webhook/influencegen-image"


@contextmanager
def n8n(status):
    """Answer every GET with ``status``; give the address and the list of paths that were asked for."""
    with answering(b"", status) as (address, asked):
        yield f"{address}/webhook/influencegen-image", asked


@tagged("post_install", "-at_install")
class TestN8n(TransactionCase):
    """n8n is asked again each time, and webhooks go where the test says."""

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

    def test_ready(self):
        with n8n(200) as (self.webhook, asked):
            status, answer = health.ready()
        self.assertEqual(status, "200 OK")
        checks = dict.fromkeys(("database", "filestore", "metrics", "n8n"), "ok")
        self.assertEqual(answer, {"status": "ok", "checks": checks})
        self.assertEqual(asked, ["/healthz"])

    def test_without_n8n_it_is_degraded_and_serves_on(self):
        status, answer = health.ready()
        self.assertEqual((status, answer["status"], answer["checks"]["n8n"]), ("200 OK", "degraded", "failed"))

    def test_an_n8n_that_fails_is_degraded(self):
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


@skipUnless(InMemorySpanExporter, "OpenTelemetry is not installed")
class TestProbeOfN8n(Traced, BaseCase):
    def test_it_is_not_traced(self):
        self.assertFalse(n8n_health._answers(f"{NOBODY}/webhook"))
        self.assertFalse(self.spans())
