"""A collector for tests: takes OTLP over HTTP, as protobuf and as JSON, and keeps the spans."""

import base64
import gzip
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

IDS = ("traceId", "spanId", "parentSpanId")


class Span:
    """One span that arrived: ``service``, ``name``, ids (hexadecimal), ``attributes`` {name: value}, and the message.

    :param message: of type opentelemetry.proto.trace.v1.Span
    """

    def __init__(self, service, message):
        self.service, self.message, self.name = service, message, message.name
        self.trace_id, self.span_id = message.trace_id.hex(), message.span_id.hex()
        self.parent_id = message.parent_span_id.hex()
        self.attributes = _attributes(message.attributes)

    def __repr__(self):
        return f"<{self.service}: {self.name} {self.span_id} in {self.parent_id or 'nothing'}, trace {self.trace_id}>"


class Collector:
    """What a running collector has received.

    :param str url: its base address
    """

    def __init__(self, url):
        self.url = url
        self.status = 200
        """What it answers with."""
        self.spans = []
        self.batches = 0
        """How many requests were answered."""
        self.answering = threading.Event()
        """Cleared, nothing is answered."""
        self.answering.set()

    def take(self, content_type, body):
        """Take the body (bytes) of a request to ``/v1/traces``."""
        for resource in decoded(content_type, body).resource_spans:
            service = _attributes(resource.resource.attributes).get("service.name")
            for scope in resource.scope_spans:
                self.spans += [Span(service, message) for message in scope.spans]

    def trace(self, trace_id):
        """Return the spans of one trace, in the order in which they began."""
        found = [span for span in list(self.spans) if span.trace_id == trace_id]
        return sorted(found, key=lambda span: span.message.start_time_unix_nano)


def decoded(content_type, body):
    """Return an ExportTraceServiceRequest from ``body`` (bytes), protobuf or JSON.

    Ids are hexadecimal in OTLP's JSON, and base64 in that of protobuf:
    https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding

    :raises ValueError: for another content type
    """
    if content_type == "application/x-protobuf":
        return ExportTraceServiceRequest.FromString(body)
    if content_type == "application/json":
        content = json.loads(body)
        for resource in content.get("resourceSpans", []):
            for scope in resource.get("scopeSpans", []):
                for span in scope.get("spans", []):
                    for link in (span, *span.get("links", [])):
                        link.update({
                            name: base64.b64encode(bytes.fromhex(link[name])).decode() for name in IDS if link.get(name)
                        })  # fmt: skip
        return json_format.ParseDict(content, ExportTraceServiceRequest())
    raise ValueError(f"{content_type} is not an encoding of OTLP over HTTP")


@contextmanager
def collecting(port=0):
    """Run a collector on 127.0.0.1 during the block; yield the :class:`Collector`.

    On Python's own server: one that waits and fails on demand is not shorter with pytest-httpserver.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self._body()
            collector.answering.wait()
            status = collector.status if self.path == "/v1/traces" else 404
            if status == 200:
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.headers["Content-Type"], body)
            self.send_response(status)
            self.send_header("Content-Type", self.headers["Content-Type"])
            self.send_header("Content-Length", "0")
            self.end_headers()
            collector.batches += 1

        def _body(self):
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, *_arguments):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            collector.answering.set()
            server.shutdown()
            thread.join()


def _attributes(pairs):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
