"""Simulator for the AI image service: renders the prompt as a PNG image.

``POST /v1/images`` takes JSON ``{model, prompt, parameters: {width, height}}`` and answers ``image/png``. The log keeps
how each try ended, by the caller's ``X-Try-Id``.

Environment, all optional: ``AI_SERVICE_TOKEN``, the bearer token without which there are no images;
``OTEL_EXPORTER_OTLP_ENDPOINT``, the collector that gets a span of each request; ``NVML_STUB``, the folder of the
simulated GPU, whose file ``images`` has one byte for each request in progress: see nvml.c.
"""

import asyncio
import hashlib
import hmac
import io
import os
import random
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from PIL import Image, ImageDraw, ImageFont

from .server import Simulator, half, json_object, main

PATH = "/v1/images"
MAX_MODEL_LENGTH = 64
MAX_PROMPT_LENGTH = 2000
SIDE = range(64, 2049)
DEFAULT_SIDE = 512
HUGE_BYTES = 50 * 1024 * 1024


def render(model: str, prompt: str, width: int, height: int) -> bytes:
    """The PNG image, in bytes, of `prompt` by `model`: the same for the same arguments; sides in pixels."""
    digest = hashlib.sha256(f"{model}\n{prompt}".encode()).digest()
    ramp = Image.linear_gradient("L").resize((width, height))
    blend = Image.composite(
        Image.new("RGB", ramp.size, (digest[0], digest[1], digest[2])),
        Image.new("RGB", ramp.size, (digest[3], digest[4], digest[5])),
        ramp.rotate(digest[6] // 64 * 90).resize(ramp.size),
    )
    size = max(12, width // 24)
    ImageDraw.Draw(blend).multiline_text(
        (size, size),
        textwrap.fill(prompt, 32),
        fill="white",
        stroke_fill="black",
        stroke_width=1,
        font=ImageFont.load_default(size),
    )
    image = io.BytesIO()
    blend.save(image, "PNG")
    return image.getvalue()


def truncated(image: web.Response) -> web.Response:
    """The first half of an image."""
    return web.Response(body=half(image), content_type="image/png")


def html(image: web.Response) -> web.Response:
    """A web page in place of an image."""
    return web.Response(text="<html><body>It works!</body></html>", content_type="text/html")


def huge(image: web.Response) -> web.Response:
    """An image padded to 50 MiB."""
    assert isinstance(image.body, bytes)
    return web.Response(body=image.body.ljust(HUGE_BYTES, b"\0"), content_type="image/png")


SPOILED = {"truncated": truncated, "html": html, "huge": huge}


class AiService(Simulator):
    """Beside the faults of every simulator, a share of the images can be spoiled in each of the ways of `SPOILED`."""

    control = {
        **Simulator.control,
        "latency": {"median": 1.0, "sigma": 0.4},
        **{f"{fault}_rate": 0.0 for fault in SPOILED},
    }

    def __init__(self, state_dir: Path | None = None):
        super().__init__(state_dir)
        self.token = os.environ.get("AI_SERVICE_TOKEN")
        self.tries: dict[str, str] = {}
        self.in_progress = 0
        self.gpu = os.environ.get("NVML_STUB")
        self.add_in_progress(0)

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post(PATH, self.create_image)]

    def application(self) -> web.Application:
        app = super().application()
        if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            from .tracing import trace

            trace(app, "ai-service", PATH)
        return app

    def log(self) -> dict[str, Any]:
        return {**super().log(), "tries": self.tries}

    def restore(self, log: Mapping[str, Any]) -> None:
        super().restore(log)
        self.tries = log.get("tries", {})

    def count(self, request: web.Request, status: str) -> None:
        super().count(request, status)
        if "X-Try-Id" in request.headers:
            self.tries[request.headers["X-Try-Id"]] = status

    def add_in_progress(self, change: int) -> None:
        """Note that there are `change` more requests in progress."""
        self.in_progress += change
        if self.gpu:
            with open(Path(self.gpu) / "images", "ab") as images:
                images.truncate(self.in_progress)

    async def _answer(self, request: web.Request, handler: Handler) -> web.Response:
        self.add_in_progress(1)
        try:
            return await super()._answer(request, handler)
        finally:
            self.add_in_progress(-1)

    def spoil(self, response: web.Response, fault: str | None) -> web.Response:
        return SPOILED[fault](response) if fault in SPOILED else super().spoil(response, fault)

    def garbage(self, response: web.Response) -> web.Response:
        return random.choice(
            [
                truncated(response),
                html(response),
                web.Response(text='{"image": ', content_type="application/json"),
            ]
        )

    async def create_image(self, request: web.Request) -> web.Response:
        self.authorize(request)
        order = await json_object(request)
        model, prompt = order.get("model"), order.get("prompt")
        parameters = {} if order.get("parameters") is None else order["parameters"]
        if not isinstance(model, str) or not 0 < len(model) <= MAX_MODEL_LENGTH:
            raise web.HTTPBadRequest(text=f"model must have 1 to {MAX_MODEL_LENGTH} characters")
        if not isinstance(prompt, str) or not 0 < len(prompt) <= MAX_PROMPT_LENGTH:
            raise web.HTTPBadRequest(text=f"prompt must have 1 to {MAX_PROMPT_LENGTH} characters")
        if not isinstance(parameters, dict):
            raise web.HTTPBadRequest(text="parameters is not an object")
        sides = [parameters.get(side, DEFAULT_SIDE) for side in ("width", "height")]
        if not all(side in SIDE for side in sides):
            raise web.HTTPBadRequest(text=f"width and height must be {SIDE.start} to {SIDE.stop - 1} pixels")
        return web.Response(
            body=await asyncio.to_thread(render, model, prompt, *map(int, sides)), content_type="image/png"
        )

    def authorize(self, request: web.Request) -> None:
        """Refuse a request without the token, if there is one."""
        given = request.headers.get("Authorization", "")
        if self.token and not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            raise web.HTTPUnauthorized(
                text="this request needs the header Authorization: Bearer, with the token of AI_SERVICE_TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )


if __name__ == "__main__":
    main(AiService, port=8090)
