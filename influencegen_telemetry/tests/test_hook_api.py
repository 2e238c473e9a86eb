from unittest.mock import patch

import requests

from odoo.tests import TransactionCase, tagged

from odoo.addons.influencegen.models.api import FAILURES_TO_OPEN, ApiError
from odoo.addons.influencegen.models.kyc import STEPS
from odoo.addons.odoo_telemetry.metrics import store
from odoo.addons.odoo_telemetry.tests.hook_case import observations, value

from ..business.metrics import KYC_STEP_LATENCY

API = "api_external_kyc_service"
BREAKER = "api_circuit_breaker_state"
URL = "http://127.0.0.1:9/verify"


@tagged("post_install", "-at_install")
class TestApi(TransactionCase):
    def setUp(self):
        super().setUp()
        self.api = self.env["influencegen.api"]
        self.api._breaker("kyc").close()
        self.addCleanup(self.api._breaker("kyc").close)
        wait = patch("odoo.addons.influencegen.models.api.WAIT", lambda _retry: 0)
        wait.start()
        self.addCleanup(wait.stop)

    def call(self, *answers, attempts=1):
        """Call the service, which answers with each of ``answers`` (statuses or exceptions) in turn."""
        replies = [answer if isinstance(answer, Exception) else _response(answer) for answer in answers]
        with patch("requests.request", side_effect=replies):
            return self.api._call("kyc", "document", "POST", URL, timeout=1, attempts=attempts)

    def counted(self, status_class):
        labels, database = ("document", "POST", status_class), self.env.cr.dbname
        return (
            observations(f"{API}_latency_seconds", labels, database),
            value(f"{API}_errors_total", labels, database),
        )

    def test_an_answer_is_timed_and_no_error(self):
        tries, errors = self.counted("2xx")
        self.assertEqual(self.call(200).status_code, 200)
        self.assertEqual(self.counted("2xx"), (tries + 1, errors))
        self.assertEqual(value(BREAKER, ("kyc",), self.env.cr.dbname), 0)

    def test_each_try_that_fails_is_an_error_of_its_class(self):
        for answer, status_class in (
            (404, "4xx"),
            (503, "5xx"),
            (requests.ConnectTimeout(), "timeout"),
            (requests.ReadTimeout(), "timeout"),
            (requests.ConnectionError(), "connection_error"),
        ):
            with self.subTest(answer=answer):
                tries, errors = self.counted(status_class)
                with self.assertRaises(ApiError):
                    self.call(answer)
                self.assertEqual(self.counted(status_class), (tries + 1, errors + 1))

    def test_retries_are_tries(self):
        failed, succeeded = self.counted("5xx"), self.counted("2xx")
        self.call(500, 502, 200, attempts=3)
        self.assertEqual(self.counted("5xx"), (failed[0] + 2, failed[1] + 2))
        self.assertEqual(self.counted("2xx"), (succeeded[0] + 1, succeeded[1]))

    def test_an_open_breaker_shows_and_sends_nothing(self):
        with self.assertRaises(ApiError):
            self.call(*[500] * FAILURES_TO_OPEN, attempts=FAILURES_TO_OPEN)
        self.assertEqual(value(BREAKER, ("kyc",), self.env.cr.dbname), 2)
        failed, refused = self.counted("5xx"), self.counted("circuit_open")
        with self.assertRaises(ApiError):
            self.call(200)
        self.assertEqual(self.counted("5xx"), failed)
        self.assertEqual(self.counted("circuit_open"), (refused[0], refused[1] + 1))
        self.api._breaker("kyc").close()
        self.call(200)
        self.assertEqual(value(BREAKER, ("kyc",), self.env.cr.dbname), 0)

    def test_what_can_fail_is_zero_before_it_does(self):
        self.env["telemetry.reading"]._read_database()
        known, database = store.reader.values()[0], self.env.cr.dbname
        for name, endpoint in (
            ("api_odoo_to_n8n_webhook", "image"),
            (API, "document"),
            (API, "identity"),
            ("api_payment_provider", "transfer"),
        ):
            for status_class in ("3xx", "4xx", "5xx", "timeout", "connection_error", "circuit_open"):
                self.assertIn((f"{name}_errors_total", database, (endpoint, "POST", status_class), ""), known)
        for step in STEPS:
            self.assertIn((KYC_STEP_LATENCY.name, database, ("kyc", step), "sum"), known)

    def test_a_service_that_is_not_measured_still_works(self):
        with patch("requests.request", return_value=_response(200)):
            self.assertEqual(self.api._send("weather", "now", "GET", URL).status_code, 200)


def _response(status):
    response = requests.Response()
    response.status_code = status
    return response
