from unittest.mock import MagicMock, patch

from psycopg2.errors import SerializationFailure

from odoo import http
from odoo.service import model
from odoo.tests import TransactionCase, mute_logger, tagged

from ..metrics import attempts
from ..metrics.instruments import Counter


class Conflict(SerializationFailure):
    pgcode = "40001"


@tagged("post_install", "-at_install")
class TestRetries(TransactionCase):
    def setUp(self):
        super().setUp()
        self.counted = []
        self.first, self.second = MagicMock(Counter), MagicMock(Counter)
        for name, counter in (("first", self.first), ("second", self.second)):
            counter.name, counter.inc = name, lambda name=name, **_labels: self.counted.append(name)

    def serve(self, function):
        request = MagicMock(env=self.env)
        http._request_stack.push(request)
        try:
            return model.retrying(function, self.env)
        finally:
            http._request_stack.pop()

    @mute_logger("odoo.service.model")
    def test_a_repeated_request_counts_an_attempt_once(self):
        runs = []

        def register():
            attempts.count(self.first)
            runs.append(1)
            if len(runs) < 3:
                raise Conflict
            attempts.count(self.second)

        with (
            patch("random.uniform", return_value=0),
            patch.object(self.env.cr, "rollback"),
            patch.object(self.env.cr, "commit"),
        ):
            self.serve(register)
        self.assertEqual(len(runs), 3)
        self.assertEqual(self.counted, ["first", "second"])

    def test_outside_a_request_each_attempt_counts(self):
        attempts.count(self.first)
        attempts.count(self.first)
        self.assertEqual(self.counted, ["first", "first"])
