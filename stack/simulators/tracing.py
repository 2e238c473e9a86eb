"""Spans of what a simulator answers, sent by OTLP/HTTP to where $OTEL_EXPORTER_OTLP_ENDPOINT says."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode


def trace(app: web.Application, service: str, path: str) -> None:
    """Give each request to `path` of the application a span of `service`, in the trace of the caller if it has one."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer(__name__)

    @web.middleware
    async def span(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path != path:
            return await handler(request)
        with tracer.start_as_current_span(
            f"{request.method} {path}",
            context=propagate.extract(request.headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "http.route": path},
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            status = None
            try:
                response = await handler(request)
                status = response.status
                return response
            except web.HTTPException as refusal:
                status = refusal.status
                raise
            finally:
                note(current, status)

    async def send(app: web.Application) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(provider.shutdown)

    app.middlewares.insert(0, span)
    app.cleanup_ctx.append(send)


def note(span: Span, status: int | None) -> None:
    """Record in the span how the request ended: no answer (`status` is None) is an error, as are 500 and more."""
    if status is None:
        span.set_status(StatusCode.ERROR, "no answer")
        return
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
