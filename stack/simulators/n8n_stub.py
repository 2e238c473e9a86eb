"""Stub of n8n's image workflow: takes the platform's webhook, has the image made, and calls the platform back.

``POST /webhook/influencegen-image`` takes JSON ``{request_id, model, prompt, parameters, callback_url}``, signed, and
answers 202 at once; a request that it already has is not worked on twice. Every accepted request ends in a signed
callback, ``done`` or ``failed``, within bounded tries. SIGTERM lets it finish what it has.

Environment: ``INFLUENCEGEN_WEBHOOK_SECRET``, ``AI_SERVICE_URL`` (default http://127.0.0.1:8090), ``AI_SERVICE_TOKEN``
(if the AI service wants one).
"""

import asyncio
import base64
import io
import json
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web
from PIL import Image
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from influencegen import signing

from .server import Simulator, json_object, main

TRIES = 4
NEEDED = ("request_id", "model", "prompt", "callback_url")


class RefusedError(Exception):
    """The other side does not want the request: another try would not help."""


class UnavailableError(Exception):
    """The other side failed, or answered nonsense: another try may help."""


bounded_retries = retry(
    retry=retry_if_exception_type((UnavailableError, ClientError, TimeoutError)),
    stop=stop_after_attempt(TRIES),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    reraise=True,
)


def check_status(service: str, response: ClientResponse) -> None:
    """Raise RefusedError or UnavailableError for an answer of `service` that is not a success."""
    if response.status >= 500 or response.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise UnavailableError(f"{service} returned HTTP status {response.status}")
    if response.status >= 400:
        raise RefusedError(f"{service} returned HTTP status {response.status}")


class N8nStub(Simulator):
    control = {**Simulator.control, "latency": {"median": 0.02, "sigma": 0.5}, "ai_timeout": 20, "callback_timeout": 10}

    def __init__(self, state_dir: Path | None = None):
        super().__init__(state_dir)
        self.secret = os.environ["INFLUENCEGEN_WEBHOOK_SECRET"]
        self.ai_url = os.environ.get("AI_SERVICE_URL", "http://127.0.0.1:8090")
        token = os.environ.get("AI_SERVICE_TOKEN")
        self.ai_headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.accepted: set[str] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.results: Counter[str] = Counter({"done": 0, "failed": 0, "undelivered": 0})

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/webhook/influencegen-image", self.webhook)]

    def log(self) -> dict[str, Any]:
        return {**super().log(), "results": dict(self.results), "pending": len(self.tasks)}

    def restore(self, log: Mapping[str, Any]) -> None:
        super().restore(log)
        self.results.update(log["results"])

    def application(self) -> web.Application:
        app = super().application()
        app.cleanup_ctx.append(self.work)
        return app

    async def work(self, app: web.Application) -> AsyncIterator[None]:
        """Hold the HTTP client while the server runs, and let the work in progress finish before it stops."""
        async with ClientSession() as self.client:
            yield
            await asyncio.gather(*self.tasks)

    async def webhook(self, request: web.Request) -> web.Response:
        try:
            signing.verify(self.secret, await request.read(), request.headers)
        except signing.BadSignature as error:
            raise web.HTTPUnauthorized(text=str(error)) from error
        order = await json_object(request)
        missing = [key for key in NEEDED if not order.get(key)]
        if missing:
            raise web.HTTPBadRequest(text=f"missing: {', '.join(missing)}")
        if order["request_id"] not in self.accepted:
            self.accepted.add(order["request_id"])
            trace = {"traceparent": request.headers["traceparent"]} if "traceparent" in request.headers else {}
            task = asyncio.create_task(self.process(order, trace))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        return web.json_response({"status": "accepted"}, status=HTTPStatus.ACCEPTED)

    async def process(self, order: dict[str, Any], trace: dict[str, str]) -> None:
        """Make the image of `order` and tell the platform: that it is done, or why it failed.

        `trace` holds the headers of the trace that the webhook belongs to; the calls carry them on.
        """
        callback: dict[str, str] = {"request_id": order["request_id"]}
        try:
            image = await self.generate(order, trace)
            callback |= {"status": "done", "mimetype": "image/png", "image": base64.b64encode(image).decode()}
        except (RefusedError, UnavailableError, ClientError, TimeoutError) as error:
            callback |= {"status": "failed", "error": str(error) or "the AI service did not answer in time"}
        try:
            await self.deliver(order["callback_url"], callback, trace)
            result = callback["status"]
        except (RefusedError, UnavailableError, ClientError, TimeoutError) as error:
            result = "undelivered"
            print(f"{order['request_id']}: the callback was not delivered: {error!r}", flush=True)
        self.results[result] += 1

    @bounded_retries
    async def generate(self, order: dict[str, Any], trace: dict[str, str]) -> bytes:
        """The PNG image, in bytes, that the AI service makes of `order`."""
        async with self.client.post(
            f"{self.ai_url}/v1/images",
            json={key: order.get(key) for key in ("model", "prompt", "parameters")},
            headers={
                **self.ai_headers,
                **trace,
                "X-Request-Id": order["request_id"],
                "X-Try-Id": secrets.token_hex(8),
            },
            timeout=ClientTimeout(self.control["ai_timeout"]),
        ) as response:
            check_status("the AI service", response)
            image = await response.read()
            if response.content_type != "image/png":
                raise UnavailableError(f"the AI service returned {response.content_type}, not image/png")
        try:
            Image.open(io.BytesIO(image)).load()
        except (OSError, SyntaxError) as error:
            raise UnavailableError(f"the AI service returned a broken image: {error}") from error
        return image

    @bounded_retries
    async def deliver(self, url: str, callback: dict[str, str], trace: dict[str, str]) -> None:
        """Send `callback` to the platform, signed again at each try."""
        body = json.dumps(callback).encode()
        headers = {"Content-Type": "application/json", **trace, **signing.sign(self.secret, body)}
        async with self.client.post(
            url, data=body, headers=headers, timeout=ClientTimeout(self.control["callback_timeout"])
        ) as response:
            if response.status != HTTPStatus.CONFLICT:  # an earlier try did arrive; only its answer was lost
                check_status("the platform", response)


if __name__ == "__main__":
    main(N8nStub, port=5678)
