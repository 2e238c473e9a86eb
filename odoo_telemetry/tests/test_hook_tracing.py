import sys
from unittest import skipUnless
from unittest.mock import patch

import requests
from psycopg2.errors import UndefinedTable

from odoo.models import BaseModel
from odoo.sql_db import Cursor
from odoo.tests import HOST, BaseCase, HttpCase, mute_logger, tagged
from odoo.tools.misc import Callbacks

from ..metrics import errors, store
from ..odoo_hooks import job_spans, orm_spans, sql_spans, tracing
from .hook_case import value
from .test_hook_cron import CronCase

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.utils import suppress_http_instrumentation
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import SpanKind, StatusCode
except ImportError:
    InMemorySpanExporter = None

OTEL = "odoo.addons.odoo_telemetry.odoo_hooks.otel"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NOBODY = "http://127.0.0.1:9"


needs_packages = skipUnless(InMemorySpanExporter, "OpenTelemetry is not installed")


class Traced:
    """Mixin for Odoo's test cases: tracing is on, and what would be sent is kept.

    details: how many detail spans a trace has at most.
    """

    details = 0

    def setUp(self):
        super().setUp()
        from ..odoo_hooks import otel

        self.exporter = InMemorySpanExporter()
        exporting = patch.object(otel, "OTLPSpanExporter", return_value=self.exporter)
        exporting.start()
        self.addCleanup(exporting.stop)
        self.addCleanup(tracing.configure, tracing._endpoint, tracing._details)
        tracing.uninstall()
        tracing.configure(NOBODY, self.details)
        for hook in (tracing, sql_spans, orm_spans, job_spans):
            hook.install()
            self.addCleanup(hook.uninstall)

    def spans(self):
        """Return {name: span} of the spans that have ended."""
        return {span.name: span for span in self.all_spans()}

    def all_spans(self):
        """Return the spans that have ended, those of one name included."""
        tracing._tracer._sender._started().force_flush()
        return self.exporter.get_finished_spans()

    def errors(self):
        """Return how many failures of tracing were counted."""
        return value("odoo_telemetry_errors_total", ("tracing",))


@needs_packages
class TestSpans(Traced, BaseCase):
    def test_spans_nest(self):
        with tracing.span("outer"), tracing.span("inner"):
            pass
        spans = self.spans()
        self.assertEqual(spans["inner"].parent.span_id, spans["outer"].context.span_id)
        self.assertIsNone(spans["outer"].parent)
        self.assertIsNone(tracing.current())

    def test_an_exception_leaves_its_type_and_not_its_text(self):
        with self.assertRaises(ValueError), tracing.span("failing"):
            raise ValueError("ada@example.com")
        span = self.spans()["failing"]
        self.assertEqual(span.attributes, {"error.type": "ValueError"})
        self.assertEqual(span.status.status_code, StatusCode.ERROR)
        self.assertFalse(span.events or span.status.description)

    def test_what_is_not_known_to_be_harmless_is_not_sent(self):
        with tracing.span("requested", **{"http.route": "/x", "prompt": "Ada"}):
            pass
        self.assertEqual(self.spans()["requested"].attributes, {"http.route": "/x"})

    def test_an_outgoing_call_carries_the_trace_and_leaves_no_address(self):
        with (
            patch("requests.adapters.HTTPAdapter.send", side_effect=requests.ConnectionError("/?login=ada")) as send,
            self.assertRaises(requests.ConnectionError),
            tracing.span("calling"),
        ):
            requests.get(f"{NOBODY}/private/path?login=ada", timeout=1)
        spans = self.spans()
        calling, call = spans["calling"].context, spans["GET"]
        self.assertEqual(call.kind, SpanKind.CLIENT)
        self.assertRegex(
            send.call_args.args[0].headers["traceparent"],
            f"^00-{calling.trace_id:032x}-{call.context.span_id:016x}-0[13]$",
        )
        self.assertEqual(call.attributes, {
            "http.request.method": "GET", "server.address": "127.0.0.1", "server.port": 9,
            "error.type": "ConnectionError",
        })  # fmt: skip
        self.assertFalse(call.events or call.status.description)

    def test_what_waits_for_the_commit_belongs_to_what_asked_for_it(self):
        def later():
            with tracing.span("later"):
                pass

        callbacks = Callbacks()
        with tracing.span("asking"):
            callbacks.add(later)
        with tracing.span("committing"):
            callbacks.run()
        spans = self.spans()
        self.assertEqual(spans["later"].parent.span_id, spans["asking"].context.span_id)

    def test_what_waits_outside_of_a_span_is_left_as_it_is(self):
        callbacks = Callbacks()
        callbacks.add(self.spans)
        self.assertEqual(callbacks._funcs[0], self.spans)

    def test_only_a_sampled_trace_is_an_exemplar(self):
        self.assertEqual(tracing.trace_id(), 0)
        for flag, trace_id in (("00", 0), ("01", int(TRACE, 16))):
            headers = {"traceparent": f"00-{TRACE}-{CALLER}-{flag}", "tracestate": None}
            with self.subTest(flag=flag), tracing.span("request", headers):
                self.assertEqual(tracing.trace_id(), trace_id)
                self.assertEqual(tracing.current().trace_id, int(TRACE, 16))

    def test_nonsense_in_the_header_begins_a_trace(self):
        with tracing.span("request", {"traceparent": "00-nonsense", "tracestate": "\0"}):
            pass
        self.assertIsNone(self.spans()["request"].parent)

    def test_a_failure_of_the_exporter_is_counted_and_no_error_of_the_application(self):
        before = self.errors()
        store.errors._logged.clear()
        with (
            patch.object(self.exporter, "export", side_effect=ZeroDivisionError("no way")),
            self.assertLogs(errors.__name__, "WARNING"),
            self.assertNoLogs(level="WARNING"),
        ):
            with tracing.span("lost"):
                pass
            self.spans()
        self.assertEqual(self.errors(), before + 1)

    def test_an_invalid_endpoint_costs_spans_and_is_counted(self):
        from ..odoo_hooks import otel

        before = self.errors()
        with mute_logger(errors.__name__), patch.object(otel, "OTLPSpanExporter", OTLPSpanExporter):
            tracing.uninstall()
            tracing.configure("no address")
            tracing.install()
            with tracing.span("lost"):
                pass
            tracing.uninstall()
        self.assertGreater(self.errors(), before)

    def test_uninstall_restores_odoo_and_requests(self):
        self.assertNotEqual(Callbacks.add.__code__.co_name, "add")
        tracing.uninstall()
        self.assertEqual(Callbacks.add.__code__.co_name, "add")
        self.assertFalse(hasattr(requests.Session.send, "__wrapped__"))
        with tracing.span("nothing"):
            self.assertIsNone(tracing.current())
        self.assertFalse(self.exporter.get_finished_spans())


class TestMissing(BaseCase):
    def test_the_log_names_what_to_install(self):
        self.addCleanup(tracing.configure, tracing._endpoint)
        tracing.uninstall()
        tracing.configure(NOBODY)
        with (
            patch.dict(sys.modules, {"opentelemetry.sdk.trace": None}),
            self.assertLogs(tracing.__name__, "ERROR") as logged,
        ):
            sys.modules.pop(OTEL, None)
            tracing.install()
        self.assertIn("pip install opentelemetry-sdk", logged.output[0])
        self.assertEqual(Callbacks.add.__code__.co_name, "add")


@needs_packages
@tagged("post_install", "-at_install")
class TestRequests(Traced, HttpCase):
    def test_a_request_continues_the_callers_trace(self):
        # the test's own client is in this process, and would put its own trace into the header
        with suppress_http_instrumentation():
            self.url_open("/web/login?login=ada@example.com", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
        span = self.spans()["GET /web/login"]
        self.assertEqual((span.context.trace_id, span.parent.span_id), (int(TRACE, 16), int(CALLER, 16)))
        self.assertEqual(span.kind, SpanKind.SERVER)
        self.assertEqual(span.attributes, {
            "http.request.method": "GET", "http.route": "/web/login", "http.response.status_code": 200,
            "db.namespace": self.env.cr.dbname, "url.path": "/web/login", "url.scheme": "http",
            "server.address": HOST, "server.port": self.http_port(),
        })  # fmt: skip

    def test_what_a_route_leaves_open_is_not_in_the_path(self):
        self.url_open("/web/image/res.partner/17/image_128?access_token=secret")
        span = next(span for span in self.all_spans() if "/web/image" in span.name)
        self.assertEqual(span.attributes["url.path"], "/web/image/*/*/*")

    def test_a_server_error_is_an_error(self):
        with patch("odoo.http.Request.render", side_effect=ZeroDivisionError), mute_logger("odoo.http"):
            self.url_open("/web/login")
        span = self.spans()["GET /web/login"]
        self.assertEqual(span.attributes["http.response.status_code"], 500)
        self.assertEqual(span.attributes["error.type"], "500")
        self.assertEqual(span.status.status_code, StatusCode.ERROR)

    def test_an_unknown_method_is_other(self):
        self.opener.request("BREW", self.base_url() + "/no/such/page")
        span = self.spans()["HTTP"]
        self.assertEqual(span.attributes["http.request.method"], "_OTHER")
        self.assertNotIn("http.route", span.attributes)

    def test_a_broken_tracer_costs_no_request_and_is_counted(self):
        for broken in ("begin", "current"):
            before = self.errors()
            with (
                self.subTest(broken=broken),
                patch.object(tracing._tracer, broken, side_effect=ZeroDivisionError),
                mute_logger(errors.__name__),
            ):
                self.assertEqual(self.url_open("/web/login").status_code, 200)
                self.assertGreater(self.errors(), before)

    def test_a_broken_span_costs_no_request_and_is_counted(self):
        from ..odoo_hooks import otel

        for broken in ("describe", "end"):
            before = self.errors()
            with (
                self.subTest(broken=broken),
                patch.object(otel.Begun, broken, side_effect=ZeroDivisionError),
                mute_logger(errors.__name__),
            ):
                self.assertEqual(self.url_open("/web/login").status_code, 200)
                self.assertGreater(self.errors(), before)


def chain(spans, span):
    """Return the names of ``span`` and of the spans that it is in, the outermost first."""
    parents, names = {one.context.span_id: one for one in spans}, []
    while span:
        names.insert(0, span.name)
        span = span.parent and parents.get(span.parent.span_id)
    return names


@needs_packages
@tagged("post_install", "-at_install")
class TestDetails(Traced, HttpCase):
    details = 200

    def test_a_request_the_orm_and_sql_are_one_trace(self):
        self.authenticate("admin", "admin")
        with suppress_http_instrumentation():
            self.make_jsonrpc_request(
                "/web/dataset/call_kw/res.partner/create",
                {"model": "res.partner", "method": "create", "args": [{"name": "Ada Lovelace"}], "kwargs": {}},
            )
        spans = self.all_spans()
        [request] = [span for span in spans if span.name.startswith("POST /web/dataset/call_kw")]
        insert = next(span for span in spans if span.name == "INSERT res_partner")
        names = chain(spans, insert)
        self.assertEqual((names[0], names[1]), (request.name, "res.partner create"))
        self.assertEqual(insert.kind, SpanKind.CLIENT)
        self.assertEqual(insert.attributes["db.system.name"], "postgresql")
        self.assertEqual(insert.attributes["db.operation.name"], "INSERT")
        self.assertEqual(insert.attributes["db.collection.name"], "res_partner")
        self.assertEqual(insert.attributes["db.namespace"], self.env.cr.dbname)
        self.assertNotIn("Lovelace", "".join(str(span.attributes) for span in spans))
        within = [span for span in spans if span.context.trace_id == request.context.trace_id]
        self.assertLessEqual(len(within), 1 + self.details)

    def test_spans_over_the_limit_are_counted(self):
        partner = self.env["res.partner"]
        with patch.object(tracing._tracer, "_details", 3), tracing.span("outermost"), tracing.span("inner"):
            for _time in range(5):
                self.env.cr.execute("SELECT 1 FROM res_partner")
            partner.search_count([])
        spans = self.all_spans()
        self.assertEqual([span.name for span in spans].count("SELECT res_partner"), 3)
        self.assertGreaterEqual(self.spans()["outermost"].attributes["odoo.spans_left_out"], 3)
        self.assertNotIn("odoo.spans_left_out", self.spans()["inner"].attributes)

    def test_a_trace_that_is_not_sampled_has_none(self):
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
        with patch("odoo.addons.odoo_telemetry.odoo_hooks.statements.describe") as describe:
            with tracing.span("request", headers):
                self.env.cr.execute("SELECT 1")
            self.env.cr.execute("SELECT 1")
        describe.assert_not_called()

    def test_a_statement_that_fails(self):
        with (
            tracing.span("request"), mute_logger("odoo.sql_db"), self.assertRaises(UndefinedTable),
            self.env.cr.savepoint(),
        ):  # fmt: skip
            self.env.cr.execute("SELECT 1 FROM no_such_table")
        span = self.spans()["SELECT no_such_table"]
        self.assertEqual(span.status.status_code, StatusCode.ERROR)
        self.assertEqual(span.attributes["error.type"], "UndefinedTable")
        self.assertEqual(span.attributes["db.response.status_code"], "42P01")

    def test_a_statement_that_can_not_be_described_is_executed(self):
        before = self.errors()
        with (
            patch("odoo.addons.odoo_telemetry.odoo_hooks.statements.describe", side_effect=ZeroDivisionError),
            mute_logger(errors.__name__), tracing.span("request"),
        ):  # fmt: skip
            self.env.cr.execute("SELECT 7")
            self.assertEqual(self.env.cr.fetchone(), (7,))
        self.assertGreater(self.errors(), before)


@needs_packages
@tagged("post_install", "-at_install")
class TestCrons(Traced, CronCase):
    details = 50

    def test_a_cron_is_a_trace_with_its_statements(self):
        self.run_job()
        spans = self.all_spans()
        [root] = [span for span in spans if span.name == "cron Measured job"]
        self.assertIsNone(root.parent)
        names = [chain(spans, span) for span in spans if span.context.trace_id == root.context.trace_id]
        self.assertIn(["cron Measured job", "res.partner search_count", "SELECT res_partner"], names)


class TestOff(BaseCase):
    def test_without_the_setting_nothing_of_odoo_is_replaced(self):
        self.assertEqual(Cursor.execute.__code__.co_name, "execute")
        self.assertNotIn("call", {vars(BaseModel)[method].__code__.co_name for method in ("create", "write", "fetch")})
