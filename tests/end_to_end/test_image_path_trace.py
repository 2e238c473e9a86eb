"""One image is one trace: from the click through n8n and the AI service to the file in Odoo."""

import pytest
import requests

from stack.services import n8n
from tests.otlp import collecting
from tests.waiting import until

from .switching import brought_up

# Service and name of each span, and those of the span that it lies in.
CLICK = ("odoo", "POST /my/influencegen/images")
REQUEST = ("odoo", "influencegen.image request")
DELIVER = ("odoo", "influencegen.image deliver")
WEBHOOK = ("odoo", "POST")
GENERATION = ("n8n", "n8n image generation")
AI_CALL = ("n8n", "POST images")
RENDERING = ("ai-service", "POST /v1/images")
CALLBACK = ("n8n", "POST image_callback")
CALLED_BACK = ("odoo", "POST /influencegen/image/callback")
RECEIVE = ("odoo", "influencegen.image receive")
STORE = ("odoo", "influencegen.image store")
PARENTS = {
    CLICK: None, REQUEST: CLICK, DELIVER: REQUEST, WEBHOOK: DELIVER, GENERATION: WEBHOOK, AI_CALL: GENERATION,
    RENDERING: AI_CALL, CALLBACK: GENERATION, CALLED_BACK: CALLBACK, RECEIVE: CALLED_BACK, STORE: RECEIVE,
}  # fmt: skip
# n8n's own OpenTelemetry, and an n8n that prunes nothing: as others may have it, beside what is ours.
OWN = "n8n itself"
UNUSUAL = {"N8N_OTEL_ENABLED": "true", "N8N_OTEL_EXPORTER_SERVICE_NAME": OWN, "EXECUTIONS_DATA_PRUNE": "false"}
LATENCIES = (
    "api_odoo_to_n8n_webhook_latency_seconds",
    "api_n8n_to_aiservice_latency_seconds",
    "api_n8n_to_odoo_callback_latency_seconds",
    "ai_image_generation_end_to_end_latency_seconds",
)


@pytest.fixture(scope="module")
def collector(system):
    """A collector that all parts of the running system send their spans to, n8n by its own OpenTelemetry as well."""
    usual = n8n.environment
    with collecting() as collector, pytest.MonkeyPatch.context() as patch:
        unusual = {**UNUSUAL, "N8N_OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        patch.setattr(n8n, "environment", lambda *arguments, **options: {**usual(*arguments, **options), **unusual})
        with brought_up(system, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url):
            patch.undo()
            yield collector


def trace_of(collector, image):
    """Return the spans of the trace of an image, by its request's id, once all have arrived; none of n8n's own."""

    def whole_trace():
        arrived = list(collector.spans)
        ids = {span.trace_id for span in arrived if span.attributes.get("influencegen.request_id") == image}
        spans = [span for trace_id in ids for span in collector.trace(trace_id) if span.service != OWN]
        return spans if {(span.service, span.name) for span in spans} >= PARENTS.keys() else None

    return until(whole_trace, f"all spans of {image} have arrived", 180)


def exemplars(system, name):
    """Return the trace ids that Prometheus keeps with a histogram."""
    answer = requests.get(
        system.url("prometheus", "/api/v1/query_exemplars"), timeout=30,
        params={"query": f"{name}_bucket", "start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"},
    )  # fmt: skip
    return {exemplar["labels"]["trace_id"] for series in answer.json()["data"] for exemplar in series["exemplars"]}


def test_one_image_is_one_trace(collector, image_path):
    image = image_path.ask()
    spans = trace_of(collector, image)
    assert len({span.trace_id for span in spans}) == 1
    named = {(span.service, span.name): span for span in spans}
    assert named.keys() == PARENTS.keys()
    by_id = {span.span_id: (span.service, span.name) for span in spans}
    assert {name: by_id.get(span.parent_id) for name, span in named.items()} == PARENTS
    until(lambda: any(span.service == OWN for span in collector.spans), "n8n sends spans of its own")
    image_path.assert_agreed()


def test_a_slow_bucket_leads_to_its_trace(system, collector, image_path):
    trace_id = trace_of(collector, image_path.ask())[0].trace_id
    for name in LATENCIES:
        until(lambda name=name: trace_id in exemplars(system, name), f"Prometheus has the exemplar of {name}")


def test_spans_wait_for_a_collector_that_is_away(collector, image_path):
    collector.status = 503
    image = image_path.ask()
    image_path.until_done(image)
    until(lambda: image_path.query("SELECT count(*) FROM influencegen.span") >= [(3,)], "n8n keeps its spans")
    collector.status = 200
    trace_of(collector, image)
    image_path.assert_agreed()
