"""Tracing: spans of requests, and of what is done in them, for an OpenTelemetry collector.

It is off, and imports nothing, unless the option ``odoo_telemetry_otlp_endpoint`` of Odoo's configuration file
names the collector. The functions here never raise: a failure costs a span and counts as the error ``tracing``.
"""

import contextlib
import functools
import logging

from ..metrics import store
from . import patch
from .http_layer import APPLICATION, CURRENT, current_request
from .patch import Patch
from .probe import find
from .routes import UNMATCHED

_logger = logging.getLogger(__name__)

_PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-requests"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_endpoint = None
_tracer = None


def configure(endpoint):
    """Send spans to ``endpoint`` (str, the base address of an OTLP/HTTP collector, or nothing) once installed."""
    global _endpoint
    _endpoint = endpoint


def _guarded(function):
    @functools.wraps(function)
    def guarded(*arguments, **keywords):
        try:
            return function(*arguments, **keywords)
        except Exception as exception:
            store.errors.count("tracing", "a span was lost: %s: %s", type(exception).__name__, exception)

    return guarded


@contextlib.contextmanager
def span(name, headers=None, **attributes):
    """Trace the block.

    :param str name: what is done, one of few
    :param headers: for a request from outside, its W3C headers {'traceparent': str, 'tracestate': str}, values may be
        None; its trace is continued. Without it the span belongs to the current one.
    :param attributes: str or int by name, nothing about a person
    :return: what :func:`note` takes
    """
    begun, error = _begin(name, headers, attributes), None
    try:
        yield begun
    except BaseException as exception:
        error = exception
        raise
    finally:
        _end(begun, error)


@_guarded
def _begin(name, headers, attributes):
    return _tracer and _tracer.begin(name, headers, attributes)


@_guarded
def _end(begun, error):
    if begun:
        begun.end(error)


@_guarded
def current():
    """Return the SpanContext of the current span (trace_id, span_id, trace_flags), or None."""
    return _tracer and _tracer.current()


def trace_id():
    """Return the id of the current trace (int) if it is sampled, else 0."""
    context = current()
    return context.trace_id if context and context.trace_flags.sampled else 0


def _traced(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "_OTHER"
        headers = {name: environ.get(f"HTTP_{name.upper()}") for name in ("traceparent", "tracestate")}
        with span(method, headers, **{"http.request.method": method}) as begun:

            def respond(status, *arguments):
                _describe(begun, method, status)
                return start_response(status, *arguments)

            return application_call(self, environ, respond)

    return __call__


@_guarded
def _describe(begun, method, status):
    if begun:
        request = current_request()
        route, database = getattr(request, "telemetry_route", UNMATCHED), getattr(request, "db", None)
        attributes = {"http.route": route, **({"db.namespace": database} if database else {})}
        begun.describe(f"{method} {route}", int(status[:3]), attributes)


def _continued(add):
    """What a transaction leaves for its end is done in the span that asked for it."""

    @functools.wraps(add)
    def add_continued(self, func):
        return add(self, _within(func) or func)

    return add_continued


@_guarded
def _within(func):
    return _tracer and _tracer.within(func)


_PATCHES = (
    Patch(APPLICATION, _traced),
    Patch("odoo.tools.misc:Callbacks.add", _continued),
)


def install():
    """Trace this process, and those forked from it, if a collector is configured."""
    global _tracer
    if not _endpoint or _tracer:
        return
    find(*CURRENT)
    patch.probe(_PATCHES)
    try:
        from .otel import Tracer

        _tracer = Tracer(_endpoint)
    except ImportError as error:
        _logger.error(
            "odoo_telemetry_otlp_endpoint is set, but nothing is traced: %s. Install: pip install %s",
            error, _PACKAGES,
        )  # fmt: skip
        return
    except Exception as error:
        store.errors.count("tracing", "nothing is traced: %s: %s", type(error).__name__, error)
        return
    patch.install(_PATCHES)
    store.exemplars.trace_with(trace_id)


def uninstall():
    """Trace no more, and send what is left."""
    global _tracer
    if _tracer is None:
        return
    store.exemplars.trace_with(None)
    for one in _PATCHES:
        one.uninstall()
    tracer, _tracer = _tracer, None
    tracer.close()
