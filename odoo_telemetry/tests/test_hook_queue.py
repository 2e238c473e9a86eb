import socket
from contextlib import ExitStack
from unittest.mock import patch

from odoo.tests import BaseCase
from odoo.tools import config

from ..odoo_hooks import queue
from .hook_case import scraped, value


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
        self.assertEqual(queue.listening(self.port)[:3], (0, 3, 0))
        self.connect(2)
        self.assertEqual(queue.listening(self.port)[:3], (2, 3, 0))
        self.server.accept()[0].close()
        self.assertEqual(queue.listening(self.port)[:3], (1, 3, 0))

    def test_overflow(self):
        self.connect(4)
        with self.assertRaises(TimeoutError):
            self.connect(1, timeout=0.2)
        waiting, limit, drops, _cookie = queue.listening(self.port)
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
            self.assertEqual(queue.listening(server.getsockname()[1])[:3], (0, 7, 0))

    def test_readings(self):
        with patch.dict(config.options, {"http_port": self.port, "workers": 0}):
            self.connect(1)
            self.assertEqual(
                scraped(queue.queues),
                {
                    ("odoo_request_queue_length", ("http",)): 1,
                    ("odoo_request_queue_limit", ("http",)): 3,
                },
            )
            self.assertEqual(scraped(queue.queues, "some_database"), {})

    def test_overflows_do_not_fall_when_the_server_starts_again(self):
        def overflows():
            scraped(queue.queues)
            return value("odoo_request_queue_overflows_total", ("http",))

        def socket_with(cookie, drops):
            return patch.object(queue, "listening", return_value=queue.Listening(0, 3, drops, cookie))

        with patch.dict(config.options, {"workers": 0}):
            with socket_with(1, 0):
                before = overflows()
            with socket_with(1, 141):
                self.assertEqual(overflows(), before + 141)
                self.assertEqual(overflows(), before + 141)
            with socket_with(2, 0):
                self.assertEqual(overflows(), before + 141)
            with socket_with(2, 3):
                self.assertEqual(overflows(), before + 144)

    def test_sockets_are_distinguished(self):
        first = queue.listening(self.port).cookie
        self.assertEqual(queue.listening(self.port).cookie, first)
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen(3)
            self.assertNotEqual(queue.listening(other.getsockname()[1]).cookie, first)

    def test_a_kernel_that_does_not_tell(self):
        with patch.object(queue, "listening", side_effect=OSError):
            self.assertEqual(scraped(queue.queues), {})
