"""Tracing: spans of requests, and of what is done in them, for an OpenTelemetry collector.

It is off, and imports nothing, unless the option ``odoo_telemetry_otlp_endpoint`` of Odoo's configuration file
names the collector. The functions here never raise: a failure costs a span and counts as the error ``tracing``.

Spans of statements and of calls to the ORM are details: the option ``odoo_telemetry_otlp_details`` says how many of
them a trace may have in a process. What exceeds it is counted in the attribute ``odoo.spans_left_out`` of the first
span of the trace in that process. Only sampled traces have details.
"""

import contextlib
import functools
import logging
import re

from ..metrics import store
from . import patch
from .http_layer import APPLICATION, CURRENT, current_request
from .patch import Patch
from .probe import find
from .routes import UNMATCHED

_logger = logging.getLogger(__name__)

_PACKAGES = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-requests"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_HOST = re.compile(r"(?P<address>[\w.-]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?")
_VARIABLE = re.compile(r"<[^<>]*>")

_endpoint = None
_details = 0
_tracer = None


def configure(endpoint, details=0):
    """Send spans to ``endpoint`` (str, the base address of an OTLP/HTTP collector, or nothing) once installed.

    :param int details: how many spans of statements and of the ORM a trace has at most in a process
    """
    global _endpoint, _details
    _endpoint, _details = endpoint, details


def is_on():
    """Return whether this process is traced."""
    return _tracer is not None


def has_details():
    """Return whether traces of this process have detail spans."""
    return is_on() and _details > 0


def _guarded(function):
    @functools.wraps(function)
    def guarded(*arguments, **keywords):
        try:
            return function(*arguments, **keywords)
        except Exception as exception:
            store.errors.count("tracing", "a span was lost: %s: %s", type(exception).__name__, exception)

    return guarded


@contextlib.contextmanager
def span(name, headers=None, kind="server", **attributes):
    """Trace the block.

    :param str name: name of the operation, from a small set
    :param headers: for a request from outside, its W3C headers {'traceparent': str, 'tracestate': str}, values may be
        None; its trace is continued. Without it the span belongs to the current one.
    :param str kind: of a span with ``headers``: 'server', or 'consumer' of a job from a queue
    :param attributes: str or int by name, nothing about a person
    :return: the span (:class:`.otel.Begun`), or None if nothing is traced
    """
    begun, error = _begin(name, headers, kind, attributes), None
    try:
        yield begun
    except BaseException as exception:
        error = exception
        raise
    finally:
        _end(begun, error)


@_guarded
def _begin(name, headers, kind, attributes):
    return _tracer and _tracer.begin(name, headers, attributes, kind)


@_guarded
def _end(begun, error):
    if begun:
        begun.end(error)


@_guarded
def current():
    """Return the SpanContext of the current span (trace_id, span_id, trace_flags), or None."""
    return _tracer and _tracer.current()


@_guarded
def traceparent():
    """Return the W3C header of the current span (str), or None."""
    return _tracer and _tracer.traceparent()


@_guarded
def takes_detail():
    """Return whether the current trace may have one more detail span; it is taken, or counted as left out."""
    return _tracer and _tracer.takes_detail()


@_guarded
def add_client_span(describe, begun, error):
    """Add a span that has ended to the current one.

    :param describe: function without arguments that returns its name and its attributes
    :param int begun: when it began, Unix time in nanoseconds
    :param error: the exception that ended it, or None
    """
    if _tracer:
        _tracer.add_client_span(*describe(), begun, error)


def trace_id():
    """Return the id of the current trace (int) if it is sampled, else 0."""
    context = current()
    return context.trace_id if context and context.trace_flags.sampled else 0


def _traced(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "_OTHER"
        headers = {name: environ.get(f"HTTP_{name.upper()}") for name in ("traceparent", "tracestate")}
        with span("HTTP" if method == "_OTHER" else method, headers, **_asked(environ, method)) as begun:

            def respond(status, *arguments):
                _describe(begun, method, status)
                return start_response(status, *arguments)

            return application_call(self, environ, respond)

    return __call__


def _asked(environ, method):
    """Return the attributes of a request (dict) that are known when it arrives."""
    attributes = {"http.request.method": method, "url.scheme": environ.get("wsgi.url_scheme", "http")}
    if host := _HOST.fullmatch(environ.get("HTTP_HOST", "")):
        attributes["server.address"] = host["address"]
        if host["port"]:
            attributes["server.port"] = int(host["port"])
    return attributes


@_guarded
def _describe(begun, method, status):
    if begun:
        request = current_request()
        route, database = getattr(request, "telemetry_route", UNMATCHED), getattr(request, "db", None)
        attributes = {"db.namespace": database} if database else {}
        name = "HTTP" if method == "_OTHER" else method
        if route != UNMATCHED:
            name = f"{name} {route}"
            # parts of a path may be secrets or name people: what the route leaves open is not shown
            attributes |= {"http.route": route, "url.path": _VARIABLE.sub("*", route)}
        begun.describe(name, int(status[:3]), attributes)


def _continued(add):
    """Run callbacks of a transaction in the span that registered them."""

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

        _tracer = Tracer(_endpoint, _details)
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
    """Stop tracing, and send the spans that are left."""
    global _tracer
    if _tracer is None:
        return
    store.exemplars.trace_with(None)
    for one in _PATCHES:
        one.uninstall()
    tracer, _tracer = _tracer, None
    tracer.close()
