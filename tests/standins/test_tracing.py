"""The AI service's spans, as a collector gets them."""

import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import run

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

ORDER = {"model": "flux", "prompt": "a fox", "parameters": {"width": 64, "height": 64}}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Keeps what it is sent."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Export)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.exports = []

    def spans(self):
        """The spans, each with the name of its service."""
        return [
            (attributes(resource.resource)["service.name"], span)
            for export in self.exports for resource in export.resource_spans
            for scope in resource.scope_spans for span in scope.spans]


class Export(BaseHTTPRequestHandler):
    def do_POST(self):
        assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.exports.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def attributes(holder):
    """The attributes of a span or a resource, as text."""
    return {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in holder.attributes}


@pytest.fixture
def collector():
    collector = Collector()
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    yield collector
    collector.shutdown()
    collector.server_close()


@pytest.fixture
def ai(start, collector):
    ai = start("ai_service", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    ai.control()
    return ai


@pytest.fixture
def span_of(ai, collector):
    """Function that orders an image, ends the service, and gives the one span there is."""
    def span_of(traceparent=None, timeout=10, **behaviour):
        ai.control(**behaviour)
        with suppress(requests.Timeout):
            ai.post("/v1/images", ORDER, timeout, headers={"traceparent": traceparent})
        ai.stop()
        [(service, span)] = collector.spans()
        assert service == "ai-service"
        return span

    return span_of


def test_a_span_continues_the_trace_of_the_caller(span_of):
    span = span_of(f"00-{TRACE}-{PARENT}-01", latency={"median": 0.3, "sigma": 0})
    assert (span.name, span.kind) == ("POST /v1/images", Span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 0.3e9
    assert attributes(span)["http.response.status_code"] == "200"
    assert span.status.code != Status.STATUS_CODE_ERROR


@pytest.mark.parametrize("traceparent", [None, ""])
def test_a_caller_without_a_trace_gets_one(span_of, traceparent):
    span = span_of(traceparent)
    assert span.trace_id.hex() != TRACE and not span.parent_span_id


def test_a_trace_that_is_not_kept_stays_so(ai, collector):
    ai.post("/v1/images", ORDER, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    ai.stop()
    assert collector.spans() == []


def test_a_failure_is_an_error(span_of):
    span = span_of(fail_rate=1)
    assert attributes(span)["http.response.status_code"] == "500"
    assert span.status.code == Status.STATUS_CODE_ERROR


def test_a_request_without_an_answer_is_an_error(span_of):
    span = span_of(timeout_rate=1, timeout=0.5)
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "no answer")


def test_a_collector_that_is_away_costs_no_image(start, collector):
    collector.shutdown()
    collector.server_close()
    ai = start("ai_service", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    ai.control()
    assert ai.post("/v1/images", ORDER).ok
    ai.stop()


def test_nothing_of_it_is_imported_unless_it_is_asked_for():
    code = ("import sys; from stack.standins.ai_service import AiService; AiService().application();"
            "print([name for name in sys.modules if name.startswith('opentelemetry')])")
    result = run([sys.executable, "-c", code], env={}, capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr
