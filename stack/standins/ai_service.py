"""Stand-in for the AI image service: renders the prompt as a PNG image.

``POST /v1/images`` takes JSON ``{model, prompt, parameters: {width, height}}`` and answers ``image/png``. The caller's
``X-Request-Id`` is kept in the log, with the statuses of its tries.
"""

import asyncio
import hashlib
import io
import random
import textwrap
from collections import Counter

from aiohttp import web
from PIL import Image, ImageDraw, ImageFont

from .server import StandIn, flat, json_object, main, nested

MAX_MODEL_LENGTH = 64
MAX_PROMPT_LENGTH = 2000
SIDE = range(64, 2049)
DEFAULT_SIDE = 512


def render(model, prompt, width, height):
    """The PNG image, in bytes, of `prompt` by `model`: the same for the same arguments; sides in pixels."""
    digest = hashlib.sha256(f"{model}\n{prompt}".encode()).digest()
    ramp = Image.linear_gradient("L").resize((width, height))
    blend = Image.composite(
        Image.new("RGB", ramp.size, tuple(digest[:3])), Image.new("RGB", ramp.size, tuple(digest[3:6])),
        ramp.rotate(digest[6] // 64 * 90).resize(ramp.size))
    size = max(12, width // 24)
    ImageDraw.Draw(blend).multiline_text(
        (size, size), textwrap.fill(prompt, 32), fill="white", stroke_fill="black", stroke_width=1,
        font=ImageFont.load_default(size))
    image = io.BytesIO()
    blend.save(image, "PNG")
    return image.getvalue()


class AiService(StandIn):
    control = {**StandIn.control, "latency": {"median": 1.0, "sigma": 0.4}}

    def __init__(self, state_dir=None):
        super().__init__(state_dir)
        self.request_ids = Counter()

    def routes(self):
        return [web.post("/v1/images", self.create_image)]

    def log(self):
        return {**super().log(), "request_ids": nested(self.request_ids)}

    def restore(self, log):
        super().restore(log)
        self.request_ids = flat(log["request_ids"])

    def count(self, request, status):
        super().count(request, status)
        if "X-Request-Id" in request.headers:
            self.request_ids[request.headers["X-Request-Id"], status] += 1

    def garbage(self, response):
        return random.choice([
            web.Response(body=response.body[: len(response.body) // 2], content_type="image/png"),
            web.Response(text="<html><body>It works!</body></html>", content_type="text/html"),
            web.Response(text='{"image": ', content_type="application/json"),
        ])

    async def create_image(self, request):
        order = await json_object(request)
        model, prompt = order.get("model"), order.get("prompt")
        parameters = {} if order.get("parameters") is None else order["parameters"]
        if not isinstance(model, str) or not 0 < len(model) <= MAX_MODEL_LENGTH:
            raise web.HTTPBadRequest(text=f"model takes 1 to {MAX_MODEL_LENGTH} characters")
        if not isinstance(prompt, str) or not 0 < len(prompt) <= MAX_PROMPT_LENGTH:
            raise web.HTTPBadRequest(text=f"prompt takes 1 to {MAX_PROMPT_LENGTH} characters")
        if not isinstance(parameters, dict):
            raise web.HTTPBadRequest(text="parameters is not an object")
        sides = [parameters.get(side, DEFAULT_SIDE) for side in ("width", "height")]
        if not all(side in SIDE for side in sides):
            raise web.HTTPBadRequest(text=f"width and height take {SIDE.start} to {SIDE.stop - 1} pixels")
        return web.Response(body=await asyncio.to_thread(render, model, prompt, *map(int, sides)),
                            content_type="image/png")


if __name__ == "__main__":
    main(AiService, port=8090)
