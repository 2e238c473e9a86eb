import socket
from contextlib import ExitStack
from unittest.mock import patch

from odoo.tests import BaseCase
from odoo.tools import config

from ..instrumentation import queue
from .instrumentation_case import scraped


class TestQueue(BaseCase):
    def setUp(self):
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.stack = stack
        self.server = stack.enter_context(socket.socket())
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(3)
        self.port = self.server.getsockname()[1]

    def connect(self, number, timeout=5):
        for _ in range(number):
            client = self.stack.enter_context(socket.socket())
            client.settimeout(timeout)
            client.connect(("127.0.0.1", self.port))

    def test_waiting_connections(self):
        self.assertEqual(queue.listening(self.port), (0, 3, 0))
        self.connect(2)
        self.assertEqual(queue.listening(self.port), (2, 3, 0))
        self.server.accept()[0].close()
        self.assertEqual(queue.listening(self.port), (1, 3, 0))

    def test_overflow(self):
        self.connect(4)
        with self.assertRaises(TimeoutError):
            self.connect(1, timeout=0.2)
        waiting, limit, drops = queue.listening(self.port)
        self.assertGreater(waiting, limit)
        self.assertGreaterEqual(drops, 1)

    def test_nobody_listens(self):
        self.server.close()
        self.assertIsNone(queue.listening(self.port))

    def test_ipv6(self):
        with socket.socket(socket.AF_INET6) as server:
            try:
                server.bind(("::1", 0))
            except OSError:
                self.skipTest("no IPv6 here")
            server.listen(7)
            self.assertEqual(queue.listening(server.getsockname()[1]), (0, 7, 0))

    def test_readings(self):
        with patch.dict(config.options, {"http_port": self.port, "workers": 0}):
            self.connect(1)
            self.assertEqual(scraped(queue.queues), {
                ("odoo_request_queue_length", ("http",)): 1,
                ("odoo_request_queue_limit", ("http",)): 3,
                ("odoo_request_queue_overflows_total", ("http",)): 0,
            })
            self.assertEqual(scraped(queue.queues, "some_database"), {})

    def test_a_kernel_that_does_not_tell(self):
        with patch.object(queue, "listening", side_effect=OSError):
            self.assertEqual(scraped(queue.queues), {})
