import io
import json
import logging
import sys
import threading
from importlib.util import find_spec
from types import SimpleNamespace
from unittest import skipUnless
from unittest.mock import patch

from odoo.tests import BaseCase, TransactionCase, tagged

from ..odoo_hooks import logs, request_id, tracing

LINES = "odoo.addons.odoo_telemetry.odoo_hooks.json_lines"
DIGEST = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

needs_package = skipUnless(find_spec("pythonjsonlogger"), "python-json-logger is not installed")

SECRETS = (
    ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
    ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic ***'}"),
    ("Authorization: abc", "Authorization: ***"),
    ("GET /x?key=abc&page=2", "GET /x?key=***&page=2"),
    ("GET /x?page=2&access_token=abc HTTP/1.1", "GET /x?page=2&access_token=*** HTTP/1.1"),
    ('{"password": "hunter2", "login": "ada"}', '{"password": "***", "login": "ada"}'),
    ("the api_key='abc' is wrong", "the api_key='***' is wrong"),
    (f"X-InfluenceGen-Signature: sha256={DIGEST}", "X-InfluenceGen-Signature: ***"),
    (f"got sha256={DIGEST}.", "got sha256=***."),
    (f"got {DIGEST}.", "got ***."),
    ("Cookie: session_id=abc; lang=en", "Cookie: ***; lang=en"),
    ("session_id=abc", "session_id=***"),
    ("postgres://odoo:secret@db/odoo", "postgres://odoo:***@db/odoo"),
)
HARMLESS = (
    "Key (login)=(ada) already exists.",
    "key: value",
    "monkey=banana",
    "01c0b0a0-6e1c-4b58-9f5a-52b7a1c0c6a5 of trace 0af7651916cd43dd8448eb211c80319c",
    "filestore/ab/ab6b7169203331cd43dd8448eb211c8031cd43dd",
    "http://127.0.0.1:8069/web@2",
    "the token is wrong",
)


@needs_package
class TestMasking(BaseCase):
    def test_secrets_are_masked(self):
        from ..odoo_hooks.json_lines import masked

        for text, expected in SECRETS:
            with self.subTest(text=text):
                self.assertEqual(masked(text), expected)

    def test_the_rest_is_left_as_it_is(self):
        from ..odoo_hooks.json_lines import masked

        for text in HARMLESS:
            with self.subTest(text=text):
                self.assertEqual(masked(text), text)


class Logged:
    """Mixin for Odoo's test cases: a handler of the root logger as Odoo makes it, and JSON is wanted."""

    def setUp(self):
        super().setUp()
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.formatter = logging.Formatter("%(dbname)s: %(message)s", defaults={"dbname": "?"})
        self.handler.setFormatter(self.formatter)
        logging.getLogger().addHandler(self.handler)
        self.addCleanup(logging.getLogger().removeHandler, self.handler)
        self.addCleanup(logs.configure, logs._wanted)
        logs.uninstall()
        logs.configure(True)
        self.logger = logging.getLogger("odoo.trial")
        self.logger.setLevel(logging.INFO)

    def install(self):
        logs.install()
        self.addCleanup(logs.uninstall)

    def lines(self):
        """Return what was logged, decoded."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@needs_package
@tagged("post_install", "-at_install")
class TestLogs(Logged, TransactionCase):
    def test_a_record_is_an_object(self):
        self.install()
        self.logger.warning("%s\nand %s", "one", "two")
        [line] = self.lines()
        self.assertRegex(line.pop("timestamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$")
        self.assertGreater(line.pop("pid"), 1)
        line.pop("database")
        self.assertEqual(line, {
            "level": "WARNING", "logger": "odoo.trial", "message": "one\nand two",
            "trace_id": None, "span_id": None, "request_id": None,
        })  # fmt: skip

    def test_an_exception_is_there_without_its_secrets(self):
        self.install()
        try:
            raise ValueError("token=abc")
        except ValueError:
            self.logger.info("failed", exc_info=True)
        [line] = self.lines()
        self.assertIn("ValueError: token=***", line["exception"])
        self.assertNotIn("abc", self.stream.getvalue().replace("Traceback", ""))

    def test_the_database_of_a_thread_that_a_request_began_is_the_request_s(self):
        self.install()
        with patch(f"{LINES}.current_request", return_value=SimpleNamespace(db="shop")):
            thread = threading.Thread(target=self.logger.info, args=["done"])
            thread.start()
            thread.join()
        [line] = self.lines()
        self.assertEqual(line["database"], "shop")

    def test_what_the_caller_adds_stays_out(self):
        self.install()
        self.logger.info({"password": "hunter2"}, extra={"prompt": "Ada"})
        [line] = self.lines()
        self.assertEqual(line["message"], "{'password': '***'}")
        self.assertNotIn("prompt", line)

    def test_the_trace_is_logged(self):
        self.addCleanup(tracing.uninstall)
        self.addCleanup(tracing.configure, tracing._endpoint)
        tracing.configure("http://127.0.0.1:9")
        self.install()
        with patch("odoo.addons.odoo_telemetry.odoo_hooks.otel.OTLPSpanExporter"):
            tracing.install()
            with tracing.span("something"):
                context = tracing.current()
                self.logger.info("done")
            tracing.uninstall()
        [line] = self.lines()
        self.assertEqual((int(line["trace_id"], 16), int(line["span_id"], 16)), (context.trace_id, context.span_id))

    def test_off_by_default(self):
        logs.configure(False)
        self.install()
        self.assertIs(self.handler.formatter, self.formatter)

    def test_uninstall_restores_the_formatter(self):
        self.install()
        self.assertIsNot(self.handler.formatter, self.formatter)
        logs.uninstall()
        self.assertIs(self.handler.formatter, self.formatter)

    def test_handlers_of_others_are_left_alone(self):
        self.handler.setFormatter(others := logging.Formatter("%(message)s"))
        self.install()
        self.assertIs(self.handler.formatter, others)

    def test_the_log_names_what_to_install(self):
        with (
            patch.dict(sys.modules, {"pythonjsonlogger.json": None}),
            self.assertLogs(logs.__name__, "ERROR") as logged,
        ):
            sys.modules.pop(LINES, None)
            self.install()
        self.assertIn("pip install python-json-logger", logged.output[0])
        self.assertIs(self.handler.formatter, self.formatter)


class TestRequestId(BaseCase):
    def identify(self, given):
        """Return the id of a request whose X-Request-Id is ``given``, and the id after it."""
        seen = []
        application = request_id._identified(lambda _self, _environ, _start: seen.append(request_id.current.get()))
        application(None, {"HTTP_X_REQUEST_ID": given}, None)
        return seen[0], request_id.current.get()

    def test_a_sane_id_is_used_for_the_request(self):
        self.assertEqual(self.identify("0af7.web_1-2"), ("0af7.web_1-2", None))

    def test_any_other_is_replaced(self):
        for given in ("", "a b", "a\nb", 'a"', "x" * 65, "é"):
            with self.subTest(given=given):
                self.assertRegex(self.identify(given)[0], r"^[0-9a-f]{16}$")

    def test_ids_differ(self):
        self.assertNotEqual(self.identify("")[0], self.identify("")[0])
