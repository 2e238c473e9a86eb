"""The OpenTelemetry SDK as this addon uses it; imported only when spans are wanted.

The provider is made before Odoo forks its workers and holds no thread and no connection. What sends the spans is made
by each process with its first span (:class:`Sender`).
"""

import atexit
import logging
import os
import threading

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from odoo import release

from ..metrics import store
from ..metrics.catalogue import SPAN_ATTRIBUTES

EXPORT_SECONDS = 2
"""How long one batch may take. At its end a process waits for the batch that is on its way, and for one more."""

_QUEUE = 2048
_DELAY_MILLISECONDS = 1000
_NOT_TRACED = "/healthz"


class Tracer:
    """Makes spans and sends them to ``endpoint`` (str, the base address of an OTLP/HTTP collector).

    Outgoing calls through ``requests`` are spans too, and carry ``traceparent``.
    """

    def __init__(self, endpoint):
        self._complaints = Complaints()
        self._sender = Sender(f"{endpoint.rstrip('/')}/v1/traces")
        resource = Resource.create({"service.name": "odoo", "service.version": release.version})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._sender)
        self._tracer = provider.get_tracer("odoo_telemetry")
        self._propagator = TraceContextTextMapPropagator()
        # attributes by the names that OpenTelemetry has declared stable
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        self._requests = RequestsInstrumentor()
        self._requests.instrument(tracer_provider=provider, excluded_urls=_NOT_TRACED)

    def begin(self, name, headers, attributes):
        """Begin a span and make it the current one; parameters as for :func:`.tracing.span`, return it."""
        if headers is None:
            parent, kind = None, trace.SpanKind.INTERNAL
        else:
            parent = self._propagator.extract(headers, context.Context())
            kind = trace.SpanKind.SERVER
        return Begun(self._tracer.start_span(name, parent, kind, attributes))

    @staticmethod
    def current():
        """Return the SpanContext of the current span, or None."""
        found = trace.get_current_span().get_span_context()
        return found if found.is_valid else None

    def within(self, func):
        """Return a function that calls ``func()`` in the current span; ``func`` itself without one."""
        if not self.current():
            return func
        here = context.get_current()

        def call():
            token = context.attach(here)
            try:
                func()
            finally:
                context.detach(token)

        return call

    def close(self):
        """Send what is left; in at most twice ``EXPORT_SECONDS``."""
        self._requests.uninstrument()
        self._sender.shutdown()
        self._complaints.close()


class Begun:
    """A span that is the current one of its thread until it ends."""

    def __init__(self, span):
        self._span = span
        self._token = context.attach(trace.set_span_in_context(span))

    def describe(self, name, status, attributes):
        """Give the span of an HTTP request its ``name``, the ``status`` (int) of its answer, and ``attributes``."""
        self._span.update_name(name)
        self._span.set_attributes({"http.response.status_code": status, **attributes})
        if status >= 500:
            self._span.set_status(trace.StatusCode.ERROR)

    def end(self, error=None):
        """End the span; ``error`` is the exception that ended what it traced, if any."""
        context.detach(self._token)
        if error is not None:
            self._span.set_attribute("error.type", type(error).__name__)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()


class Sender(SpanProcessor):
    """Sends the spans of each process in batches, from a thread that starts with the process's first span.

    A collector that is down, or slow, costs spans: the queue is bounded, and nobody waits for it but the thread.
    """

    def __init__(self, url):
        self._url = url
        self._after_fork()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.shutdown)

    def _after_fork(self):
        self._lock = threading.Lock()
        self._batches = None

    def on_end(self, span):
        """Take a span that has ended; never raises."""
        try:
            self._started().on_end(_clean(span))
        except Exception as exception:
            store.errors.count("tracing", "a span was lost: %s: %s", type(exception).__name__, exception)

    def _started(self):
        if self._batches is None:
            with self._lock:
                if self._batches is None:
                    exporter = OTLPSpanExporter(self._url, timeout=EXPORT_SECONDS)
                    # all that the queue holds fits in one batch, which bounds the time that the end takes
                    self._batches = BatchSpanProcessor(exporter, _QUEUE, _DELAY_MILLISECONDS, _QUEUE)
        return self._batches

    def shutdown(self):
        """Send what is left."""
        batches, self._batches = self._batches, None
        if batches:
            batches.shutdown()


class Complaints(logging.Handler):
    """What OpenTelemetry warns of is counted, and logged as telemetry's own errors are: at most once a minute."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self._logger = logging.getLogger("opentelemetry")
        self._logger.addHandler(self)
        self._logger.propagate = False

    def emit(self, record):
        """Count a record."""
        store.errors.count("tracing", "%s", record.getMessage())

    def close(self):
        """Leave OpenTelemetry's log as it was found."""
        self._logger.removeHandler(self)
        self._logger.propagate = True
        super().close()


def _clean(span):
    """Return ``span`` (ReadableSpan) with nothing but what may leave the process."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in span.attributes.items() if name in SPAN_ATTRIBUTES},
        kind=span.kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
