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
"""How long one batch may take. A process that ends waits for the batch that is being sent, and for one more."""

_QUEUE = 2048
_DELAY_MILLISECONDS = 1000
_NOT_TRACED = "/healthz"
_DETAILS = context.create_key("odoo_telemetry.details")
_KINDS = {"server": trace.SpanKind.SERVER, "consumer": trace.SpanKind.CONSUMER}


class Details:
    """Budget of detail spans (SQL, ORM) of a trace in this process: how many remain, and how many were over it."""

    def __init__(self, limit):
        self.remaining, self.left_out = limit, 0

    def take(self):
        """Return whether one more is within the limit, and take it; count it otherwise."""
        self.remaining -= 1
        if self.remaining >= 0:
            return True
        self.left_out += 1
        return False


class Tracer:
    """Makes spans and sends them to ``endpoint`` (str, the base address of an OTLP/HTTP collector).

    ``details`` (int) is the maximum number of detail spans (SQL, ORM) of a trace. Outgoing calls through ``requests``
    are spans too, and carry ``traceparent``.
    """

    def __init__(self, endpoint, details=0):
        self._details = details
        self._log_handler = SdkLogHandler()
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

    def begin(self, name, headers, attributes, kind="server"):
        """Begin a span, make it the current one, and return it; parameters as for :func:`.tracing.span`."""
        if headers is None and self.current():
            return Begun(self._tracer.start_span(name, attributes=attributes))
        # it begins here: with a trace of its own, or in one from elsewhere
        parent = context.Context()
        if headers is not None:
            parent = self._propagator.extract({name: text for name, text in headers.items() if text}, parent)
        kind = trace.SpanKind.INTERNAL if headers is None else _KINDS[kind]
        span = self._tracer.start_span(name, parent, kind, attributes)
        return Begun(span, Details(self._details) if self._details and span.is_recording() else None, parent)

    def traceparent(self):
        """Return the header of the current span (str), or None."""
        headers = {}
        self._propagator.inject(headers)
        return headers.get("traceparent")

    @staticmethod
    def takes_detail():
        """Return whether the current trace takes one more detail, which is then taken."""
        details = context.get_value(_DETAILS)
        return details is not None and details.take()

    def add_client_span(self, name, attributes, begun, error):
        """Add a span that has ended; parameters as for :func:`.tracing.add_client_span`."""
        span = self._tracer.start_span(name, None, trace.SpanKind.CLIENT, attributes, start_time=begun)
        if error is not None:
            _fail(span, error)
        span.end()

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
        self._log_handler.close()


class Begun:
    """A span that is the current one of its thread until it ends.

    :param details: for the first span of a trace in this process, the trace's :class:`Details`, if it has any
    :param within: for the first span of a trace in this process, the context that it begins in; None for the context of
        the current span
    """

    def __init__(self, span, details=None, within=None):
        self._span, self._details = span, details
        here = trace.set_span_in_context(span, within)
        self._token = context.attach(context.set_value(_DETAILS, details, here) if details else here)

    def describe(self, name, status, attributes):
        """Give the span of an HTTP request its ``name``, the ``status`` (int) of its answer, and ``attributes``."""
        self._span.update_name(name)
        self._span.set_attributes({"http.response.status_code": status, **attributes})
        if status >= 500:
            self._span.set_attribute("error.type", str(status))
            self._span.set_status(trace.StatusCode.ERROR)

    def end(self, error=None):
        """End the span; ``error`` is the exception that ended what it traced, if any."""
        context.detach(self._token)
        if self._details and self._details.left_out:
            self._span.set_attribute("odoo.spans_left_out", self._details.left_out)
        if error is not None:
            _fail(self._span, error)
        self._span.end()


def _fail(span, error):
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(trace.StatusCode.ERROR)


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


class SdkLogHandler(logging.Handler):
    """Counts OpenTelemetry's warnings as errors of telemetry, and logs them at most once a minute."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self._logger = logging.getLogger("opentelemetry")
        self._logger.addHandler(self)
        self._logger.propagate = False

    def emit(self, record):
        """Count a record."""
        store.errors.count("tracing", "%s", record.getMessage())

    def close(self):
        """Restore OpenTelemetry's logger."""
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
