"""Spans of a server with two workers, as a collector receives them."""

import re
import signal
import time
import uuid

import psutil
import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from tests.waiting import until

PROMPT = "a portrait of Ada Lovelace, ada@example.com"
CALLBACK = "POST /influencegen/image/callback"
CHAIN = [
    ("POST /web/dataset/call_kw/<path:path>", "server"),
    ("influencegen.image request", "internal"),
    ("influencegen.image deliver", "internal"),
    ("POST", "client"),
    (CALLBACK, "server"),
    ("influencegen.image receive", "internal"),
    ("influencegen.image store", "internal"),
]
"""Each span of an image and its kind, and after it the one that it is the parent of."""
KINDS = {1: "internal", 2: "server", 3: "client"}
HIDDEN = ("le", "database")
EXPORT_SECONDS = 2  # of odoo_hooks/otel.py


def ask(server):
    """Ask for an image in the back office; return its record's id when the image is stored."""
    [model] = server.client.call("influencegen.image.model", "search", [], limit=1)
    [wizard] = server.client.call("influencegen.image.request", "create", [{"model_id": model, "prompt": PROMPT}])
    image = server.client.call("influencegen.image.request", "action_request", [wizard])["res_id"]
    until(lambda: _state(server, image) == "done", "the image is stored")
    return image


def _state(server, image):
    return server.client.call("influencegen.image", "read", [image], ["state"])[0]["state"]


def request_id(server, image):
    return server.client.call("influencegen.image", "read", [image], ["uuid"])[0]["uuid"]


def trace_of(server, identity):
    """Return the spans of the trace in which the image request ``identity`` (its uuid) was stored, all of them."""

    def stored():
        return [
            span for span in list(server.collector.spans)
            if span.name == "influencegen.image store" and span.attributes["influencegen.request_id"] == identity
        ]  # fmt: skip

    [store] = until(stored, "the span of the attachment has arrived")

    def whole():
        spans = server.collector.trace(store.trace_id)
        known = {span.span_id for span in spans}
        return [] if any(span.parent_id and span.parent_id not in known for span in spans) else spans

    return until(whole, "the parents of all spans have arrived")


@pytest.fixture(scope="module")
def image(traced):
    """The uuid of an image that was asked for, made and stored."""
    return request_id(traced, ask(traced))


def test_an_image_is_one_trace_from_the_click_to_the_attachment(traced, image):
    spans = trace_of(traced, image)
    parents, chain = {span.span_id: span for span in spans}, []
    span = next(span for span in spans if span.name == "influencegen.image store")
    while span:
        chain.insert(0, (span.name, KINDS[span.message.kind]))
        span = parents.get(span.parent_id)
    assert chain == CHAIN
    # a call may take several tries
    assert {span.name for span in spans} == {name for name, _kind in CHAIN}


def test_a_request_has_route_status_and_database(traced, image):
    [span] = [span for span in trace_of(traced, image) if span.name == CALLBACK]
    assert span.service == "odoo"
    assert span.attributes == {
        "http.request.method": "POST", "http.route": "/influencegen/image/callback",
        "http.response.status_code": 200, "db.namespace": traced.database, "server.address": "127.0.0.1",
        "server.port": traced.ports.odoo, "url.path": "/influencegen/image/callback", "url.scheme": "http",
    }  # fmt: skip


def test_the_call_of_the_ai_service_says_what_is_generated_and_not_from_what(traced, image):
    [span] = [span for span in trace_of(traced, image) if span.name == "influencegen.image deliver"]
    shown = {name: value for name, value in span.attributes.items() if name.startswith("gen_ai.")}
    assert shown.pop("gen_ai.request.model")
    assert shown == {
        "gen_ai.operation.name": "generate_content", "gen_ai.output.type": "image",
        "gen_ai.provider.name": "influencegen.ai_service",
    }  # fmt: skip


def test_nothing_personal_leaves_the_server(traced, image):
    requests.get(f"{traced.url}/web/login?db={traced.database}&login=grace@example.com", timeout=30)
    until(lambda: any(span.name == "GET /web/login" for span in list(traced.collector.spans)), "the login page's span")
    trace_of(traced, image)
    text = "\n".join(f"{span} {span.attributes} {span.message}" for span in list(traced.collector.spans))
    for private in ("Lovelace", "example.com", "login=", "event", traced.client.session.cookies["session_id"]):
        assert private not in text


def test_histograms_show_the_trace(traced, image):
    trace_id = trace_of(traced, image)[0].trace_id
    shown = exemplars(traced)
    assert trace_id in shown["ai_image_generation_end_to_end_latency_seconds_bucket", ()]
    webhook = (("endpoint", "image"), ("http_method", "POST"), ("status_code_class", "2xx"))
    assert trace_id in shown["api_odoo_to_n8n_webhook_latency_seconds_bucket", webhook]
    route = (("method", "POST"), ("route", "/influencegen/image/callback"), ("status_code_class", "2xx"))
    assert trace_id in shown["odoo_http_request_duration_seconds_bucket", route]


def exemplars(server):
    """Return {(series, labels): trace ids} of what a scrape in OpenMetrics shows."""
    token = server.system.layout.secret("scrape-token")
    response = requests.get(f"{server.url}/metrics", timeout=30, headers={
        "Authorization": f"Bearer {token}", "Accept": "application/openmetrics-text; version=1.0.0",
    })  # fmt: skip
    response.raise_for_status()
    found = {}
    for family in parse(response.text):
        for sample in family.samples:
            if sample.exemplar:
                labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name not in HIDDEN))
                found.setdefault((sample.name, labels), set()).add(sample.exemplar.labels["trace_id"])
    return found


def continued(server, port, path):
    """Send a GET that belongs to a trace, and return the trace's id."""
    trace_id = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-{'1' * 16}-01"}
    requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30)
    return trace_id


def test_a_trace_from_outside_is_continued(traced):
    trace_id = continued(traced, traced.ports.odoo, "/web/login")
    [span] = until(lambda: traced.collector.trace(trace_id), "the span has arrived")
    assert (span.name, span.parent_id) == ("GET /web/login", "1" * 16)


def test_the_websocket_worker_is_traced(traced):
    trace_id = continued(traced, traced.ports.gevent, "/websocket/health")
    [span] = until(lambda: traced.collector.trace(trace_id), "the span has arrived")
    assert span.name == "GET /websocket/health"


def workers(server):
    """Return {pid: process} of the HTTP and cron workers."""
    return {
        child.pid: child for child in psutil.Process(server.pid).children()
        if "gevent" not in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE
    }  # fmt: skip


def recycle(server):
    """End all workers as Odoo does at its limits, and return the seconds until the last one was gone."""
    before, begun = workers(server), time.monotonic()
    for worker in before.values():
        worker.send_signal(signal.SIGINT)
    psutil.wait_procs(before.values())
    seconds = time.monotonic() - begun
    until(lambda: len(workers(server)) >= len(before), "the workers are replaced")
    return seconds


def test_a_recycled_worker_sends_what_it_has(traced):
    trace_ids = {continued(traced, traced.ports.odoo, "/web/login") for _ in range(8)}
    recycle(traced)
    assert trace_ids <= {span.trace_id for span in traced.collector.spans}


def test_a_collector_that_hangs_keeps_no_request_waiting_and_no_worker_for_long(traced):
    def seconds():
        begun = time.monotonic()
        for _ in range(8):
            continued(traced, traced.ports.odoo, "/web/login")
        return time.monotonic() - begun

    answering, recycled = seconds(), recycle(traced)
    traced.collector.answering.clear()
    try:
        # a request that waited for the collector would do so for EXPORT_SECONDS
        assert seconds() < answering + 8 * EXPORT_SECONDS / 2
        assert recycle(traced) < recycled + 10
    finally:
        traced.collector.answering.set()


def test_a_collector_that_refuses_costs_spans_and_no_request(traced):
    errors = r'odoo_telemetry_errors_total\{reason="tracing"\} ([\d.]+)'

    def counted():
        return float(re.search(errors, traced.metrics().text)[1])

    before = counted()
    traced.collector.status = 400
    try:
        ask(traced)
        until(lambda: counted() > before, "the failure is counted")
    finally:
        traced.collector.status = 200
