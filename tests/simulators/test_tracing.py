"""The AI service's spans, as a collector gets them."""

import sys
from subprocess import run

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.otlp import collecting

ORDER = {"model": "flux", "prompt": "a fox", "parameters": {"width": 64, "height": 64}}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture
def ai(start, collector):
    ai = start("ai_service", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    ai.control()
    return ai


@pytest.fixture
def span_of(ai, collector):
    """Function that orders an image, ends the service, and gives the one span there is."""

    def span_of(traceparent=None, post=ai.post, **behaviour):
        ai.control(**behaviour)
        post("/v1/images", ORDER, headers={"traceparent": traceparent})
        ai.stop()
        [span] = collector.spans
        assert span.service == "ai-service"
        return span

    return span_of


def test_a_span_continues_the_trace_of_the_caller(span_of):
    span = span_of(f"00-{TRACE}-{PARENT}-01", latency={"median": 0.3, "sigma": 0})
    assert (span.name, span.message.kind) == ("POST /v1/images", Span.SPAN_KIND_SERVER)
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert span.message.end_time_unix_nano - span.message.start_time_unix_nano >= 0.3e9
    assert span.attributes["http.response.status_code"] == 200
    assert span.message.status.code != Status.STATUS_CODE_ERROR


@pytest.mark.parametrize("traceparent", [None, ""])
def test_a_caller_without_a_trace_gets_one(span_of, traceparent):
    span = span_of(traceparent)
    assert span.trace_id != TRACE and not span.parent_id


def test_a_trace_that_is_not_kept_stays_so(ai, collector):
    ai.post("/v1/images", ORDER, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    ai.stop()
    assert collector.spans == []


def test_a_failure_is_an_error(span_of):
    span = span_of(fail_rate=1)
    assert span.attributes["http.response.status_code"] == 500
    assert span.message.status.code == Status.STATUS_CODE_ERROR


def test_a_request_without_an_answer_is_an_error(ai, span_of):
    span = span_of(timeout_rate=1, post=ai.abandon)
    status = span.message.status
    assert (status.code, status.message) == (Status.STATUS_CODE_ERROR, "no answer")


def test_a_collector_that_is_away_costs_no_image(start):
    with collecting() as collector:
        pass
    ai = start("ai_service", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    ai.control()
    assert ai.post("/v1/images", ORDER).ok
    ai.stop()


def test_nothing_of_it_is_imported_unless_it_is_asked_for():
    code = (
        "import sys; from stack.simulators.ai_service import AiService; AiService().application();"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    result = run([sys.executable, "-c", code], env={}, capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr
