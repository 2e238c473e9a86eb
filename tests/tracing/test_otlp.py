"""The collector of the tests, in both encodings."""

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

TRACE, ONE, TWO = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def _as_json():
    span = {
        "traceId": TRACE, "spanId": TWO, "parentSpanId": ONE, "name": "draw", "kind": 3,
        "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001000000000", "status": {"code": 2},
        "attributes": [{"key": "outcome", "value": {"stringValue": "failed"}}],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "n8n"}}]}
    return {"json": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}}


def _as_protobuf():
    span = Span(
        trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(TWO), parent_span_id=bytes.fromhex(ONE), name="draw",
        kind=3, start_time_unix_nano=1700000000000000000, end_time_unix_nano=1700000001000000000,
    )  # fmt: skip
    span.status.code = 2
    span.attributes.add(key="outcome").value.string_value = "failed"
    resource = ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])
    resource.resource.attributes.add(key="service.name").value.string_value = "n8n"
    body = ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
    return {"data": body, "headers": {"Content-Type": "application/x-protobuf"}}


def _in_chunks():
    """As programs in JavaScript send it, without saying how long it is."""
    encoded = _as_protobuf()
    return {**encoded, "data": iter([encoded["data"][:20], encoded["data"][20:]])}


@pytest.mark.parametrize("encoded", [_as_json, _as_protobuf, _in_chunks])
def test_spans_are_read_from_both_encodings(collector, encoded):
    assert requests.post(f"{collector.url}/v1/traces", **encoded(), timeout=10).status_code == 200
    [span] = collector.trace(TRACE)
    assert (span.service, span.name, span.span_id, span.parent_id) == ("n8n", "draw", TWO, ONE)
    assert (span.message.kind, span.message.status.code, span.attributes) == (3, 2, {"outcome": "failed"})
    assert span.message.end_time_unix_nano - span.message.start_time_unix_nano == 10**9
