"""The stand-in for n8n, which hands on the trace that a webhook belongs to, as the project's workflows do."""

import asyncio
from contextvars import ContextVar

from aiohttp import ClientSession, TraceConfig

from stack.standins.n8n_stub import N8nStub
from stack.standins.server import main

traceparent = ContextVar("traceparent", default="")


async def hand_on(_session, _context, params):
    params.headers["traceparent"] = traceparent.get()


class TracingStub(N8nStub):
    async def webhook(self, request):
        traceparent.set(request.headers.get("traceparent", ""))
        return await super().webhook(request)

    async def work(self, app):
        calls = TraceConfig()
        calls.on_request_start.append(hand_on)
        async with ClientSession(trace_configs=[calls]) as self.client:
            yield
            await asyncio.gather(*self.tasks)


if __name__ == "__main__":
    main(TracingStub, port=5678)
