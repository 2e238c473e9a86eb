"""What the tests of pages that ask Prometheus and Alertmanager share."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

from odoo.tests import new_test_user

from .. import monitoring
from .settings_case import Published

NOWHERE = "http://127.0.0.1:9"


@contextmanager
def answering(content, status=200):
    """Answer every GET with ``content``, as JSON unless it is bytes; give the address and the paths asked for.

    ``content`` may be a function of the path and {parameter: value}.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            path, _, query = self.path.partition("?")
            given = content(path, dict(parse_qsl(query))) if callable(content) else content
            body = given if isinstance(given, bytes) else json.dumps(given).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


class Monitored(Published):
    """Mixin for Odoo's test cases: nothing is configured and nothing kept; ``self.user`` is an administrator."""

    def setUp(self):
        super().setUp()
        self.configure()
        monitoring.forget()
        self.addCleanup(monitoring.forget)
        self.user = new_test_user(self.env, "telemetry_watcher", groups="base.group_system")

    def configure(self, prometheus="", alertmanager="", grafana=""):
        """Set the addresses, or none."""
        for name, url in {"prometheus": prometheus, "alertmanager": alertmanager, "grafana": grafana}.items():
            self.settings._set(f"{name}_url", url)
