import threading

from odoo.tests import TransactionCase, tagged

from ..models import api
from ..models.api import ApiError
from .common import InfluenceGenCase


@tagged("post_install", "-at_install")
class TestApi(InfluenceGenCase, TransactionCase):
    def answer(self, *answers):
        self.service.answers["/"] = [*answers]

    def call(self, **kwargs):
        return self.env["influencegen.api"]._call(
            "kyc", "document", "POST", self.service.url, **{"timeout": 5, "json": {}, **kwargs}
        )

    @property
    def breaker(self):
        return self.env["influencegen.api"]._breaker("kyc")

    def test_answer_is_returned(self):
        self.answer((200, {"answer": 42}))
        self.assertEqual(self.call().json(), {"answer": 42})
        self.assertEqual(self.call(parse=lambda response: response.json()["answer"]), 42)

    def test_failures_of_the_service_are_retried(self):
        for failure in (500, 503, 429):
            self.service.received.clear()
            self.answer((failure, {}), (failure, {}), (200, {}))
            with self.subTest(failure=failure):
                self.assertEqual(self.call().status_code, 200)
                self.assertEqual(len(self.service.received), 3)

    def test_tries_are_bounded(self):
        self.answer((500, {}))
        with self.assertRaisesRegex(ApiError, "KYC service returned HTTP status 500"):
            self.call()
        self.assertEqual(len(self.service.received), 3)

    def test_refusal_is_not_retried_and_does_not_open_the_circuit(self):
        self.answer((422, {}))
        for _try in range(api.FAILURES_TO_OPEN + 1):
            with self.assertRaisesRegex(ApiError, "422"):
                self.call()
        self.assertEqual(len(self.service.received), api.FAILURES_TO_OPEN + 1)
        self.assertEqual(self.breaker.current_state, "closed")

    def test_being_asked_to_wait_does_not_open_the_circuit(self):
        self.answer((429, {}))
        for _try in range(3):
            with self.assertRaises(ApiError):
                self.call()
        self.assertEqual(self.breaker.current_state, "closed")

    def test_time_out_is_a_failure(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def hang(body):
            release.wait(20)
            return 200, {}

        self.service.answers["/"] = hang
        with self.assertRaisesRegex(ApiError, "^KYC service can't be reached$"):
            self.call(timeout=1, attempts=2)
        self.assertEqual(len(self.service.received), 2)
        self.assertEqual(self.breaker.fail_counter, 2)

    def test_broken_connection_is_a_failure(self):
        self.answer((None, {}))
        with self.assertRaisesRegex(ApiError, "^KYC service can't be reached$"):
            self.call()
        self.assertEqual(self.breaker.fail_counter, 3)

    def test_unreadable_answers_are_failures(self):
        for body in (b"\x00garbage", [], {"other": 1}):
            api._breakers.clear()
            self.answer((200, body))
            with self.subTest(body=body), self.assertRaisesRegex(ApiError, "unreadable"):
                self.call(parse=lambda response: response.json()["answer"])
            self.assertEqual(self.breaker.fail_counter, 3)

    def test_circuit_opens_and_closes(self):
        self.answer(*[(500, {})] * api.FAILURES_TO_OPEN, (200, {}))
        for _try in range(2):
            with self.assertRaises(ApiError):
                self.call()
        self.assertEqual(self.breaker.current_state, "open")
        self.assertEqual(len(self.service.received), api.FAILURES_TO_OPEN)
        with self.assertRaisesRegex(ApiError, "^KYC service is unavailable: its circuit breaker is open"):
            self.call()
        self.assertEqual(len(self.service.received), api.FAILURES_TO_OPEN, "an open circuit sends nothing")

        self.breaker.reset_timeout = 0
        self.call()
        self.assertEqual(self.breaker.current_state, "closed")

    def test_each_service_has_a_circuit_of_its_own(self):
        self.breaker.open()
        self.assertEqual(self.env["influencegen.api"]._breaker("payment").current_state, "closed")
        self.assertIs(self.breaker, self.breaker)

    def test_slow_calls_run_side_by_side(self):
        together = threading.Barrier(2, timeout=10)
        arrived = []
        breaker = self.breaker
        threads = [threading.Thread(target=lambda: arrived.append(breaker.call(together.wait))) for _thread in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(arrived), [0, 1])
