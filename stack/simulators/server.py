"""What the simulators share: an HTTP server that misbehaves on request and that counts exactly what it did.

Beside its own paths, every simulator has

* ``GET /health``: answers while it runs;
* ``GET /control``, ``PUT /control``: how it behaves; PUT changes the keys it is given and leaves the others, and wants
  the bearer token $CONTROL_TOKEN if there is one;
* ``GET /log``: how many requests of each path had which status (``none``: no response was sent), and the faults among
  them.
"""

import argparse
import asyncio
import hmac
import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

MAX_BODY_BYTES = 16 * 1024 * 1024
OWN_PATHS = ("/health", "/control", "/log")

# How a service behaves: numbers, or numbers by name.
Control = dict[str, Any]
Nested = dict[str, dict[str, int]]
Drawn = TypeVar("Drawn")


def half(response: web.Response) -> bytes:
    """The first half of a response's body."""
    assert isinstance(response.body, bytes)
    return response.body[: len(response.body) // 2]


def nested(counter: Counter[tuple[str, str]]) -> Nested:
    """A Counter of (outer, inner) pairs as {outer: {inner: count}}."""
    result: Nested = {}
    for (outer, inner), count in sorted(counter.items()):
        result.setdefault(outer, {})[inner] = count
    return result


def flat(counts: Nested) -> Counter[tuple[str, str]]:
    """The Counter of which `counts` is the nested form."""
    return Counter(
        {(outer, inner): count for outer, inner_counts in counts.items() for inner, count in inner_counts.items()}
    )


def rates(control: Control) -> dict[str, float]:
    """The faults that `control` has a rate of, as {fault: rate}."""
    return {key.removesuffix("_rate"): value for key, value in control.items() if key.endswith("_rate")}


def draw(probabilities: Mapping[Drawn, float]) -> Drawn:
    """One of the keys of `probabilities` {key: weight}, at random."""
    return random.choices(list(probabilities), weights=list(probabilities.values()))[0]


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a dict; anything else is answered with 400."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body is not a JSON object")
    return body


class Simulator:
    """A service; subclasses add their paths in `routes` and their own keys to `control`.

    `control` holds ``latency`` (lognormal: ``median`` in seconds, ``sigma``) and, for each fault, the share (0 to 1) of
    requests that meet it: they fail with 500 before any work (``fail_rate``), or they are worked on, but never answered
    (``timeout_rate``), answered after ``slow_seconds`` (``slow_rate``), or answered with garbage (``garbage_rate``).
    """

    control: Control = {
        "latency": {"median": 0.05, "sigma": 0.5},
        "fail_rate": 0.0,
        "timeout_rate": 0.0,
        "slow_rate": 0.0,
        "slow_seconds": 30.0,
        "garbage_rate": 0.0,
    }

    def __init__(self, state_dir: Path | None = None):
        self.control = deepcopy(self.control)
        self.control_token = os.environ.get("CONTROL_TOKEN")
        self.requests: Counter[tuple[str, str]] = Counter()
        self.faults: Counter[str] = Counter(dict.fromkeys(rates(self.control), 0))
        self.state_file = state_dir and state_dir / f"{type(self).__name__}.json"

    def routes(self) -> Sequence[web.RouteDef]:
        """The service's own paths, as aiohttp route definitions."""
        raise NotImplementedError

    def log(self) -> dict[str, Any]:
        """What the service did, as JSON; it is also the state that is kept from one run to the next."""
        return {"requests": nested(self.requests), "faults": dict(self.faults)}

    def restore(self, log: Mapping[str, Any]) -> None:
        """Continue from what `log` returned in an earlier run."""
        self.requests = flat(log["requests"])
        self.faults.update(log["faults"])

    def count(self, request: web.Request, status: str) -> None:
        """Note that `request` was answered with `status`."""
        self.requests[request.path, status] += 1

    def spoil(self, response: web.Response, fault: str | None) -> web.Response:
        """What is answered in place of `response` because of `fault`, or `response` if the fault leaves it as it is."""
        return self.garbage(response) if fault == "garbage" else response

    def garbage(self, response: web.Response) -> web.Response:
        """What is answered in place of `response` when garbage is asked for."""
        return random.choice(
            [
                web.Response(body=half(response), content_type="application/json"),
                web.Response(text="<html><body>It works!</body></html>", content_type="text/html"),
                web.json_response([]),
            ]
        )

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._behave], client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.get("/health", self._health),
                web.get("/control", self._get_control),
                web.put("/control", self._put_control),
                web.get("/log", self._get_log),
                *self.routes(),
            ]
        )
        app.cleanup_ctx.append(self._keep_state)
        return app

    def _draw_fault(self) -> str | None:
        shares: dict[str | None, float] = dict(rates(self.control).items())
        shares[None] = 1 - sum(shares.values())
        return draw(shares)

    def draw_latency(self) -> float:
        """The seconds that the next answer takes."""
        median, sigma = self.control["latency"]["median"], self.control["latency"]["sigma"]
        return random.lognormvariate(math.log(median), sigma) if median else 0.0

    @web.middleware
    async def _behave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OWN_PATHS:
            return await handler(request)
        status = "none"
        try:
            response = await self._answer(request, handler)
            status = str(response.status)
            return response
        except web.HTTPException as refusal:
            status = str(refusal.status)
            raise
        finally:
            self.count(request, status)

    async def _answer(self, request: web.Request, handler: Handler) -> web.Response:
        fault = self._draw_fault()
        if fault:
            self.faults[fault] += 1
        if fault == "fail":
            await asyncio.sleep(self.draw_latency())
            raise web.HTTPInternalServerError(text="set to fail")
        response = await handler(request)
        assert isinstance(response, web.Response)
        if fault == "timeout":
            await asyncio.Event().wait()
        await asyncio.sleep(self.control["slow_seconds"] if fault == "slow" else self.draw_latency())
        return self.spoil(response, fault)

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _get_control(self, request: web.Request) -> web.Response:
        return web.json_response(self.control)

    async def _put_control(self, request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        if self.control_token and not hmac.compare_digest(given.encode(), f"Bearer {self.control_token}".encode()):
            raise web.HTTPUnauthorized(text="no valid CONTROL_TOKEN", headers={"WWW-Authenticate": "Bearer"})
        control = {**self.control, **await json_object(request)}
        problem = self._problem(control)
        if problem:
            raise web.HTTPBadRequest(text=problem)
        self.control = control
        return web.json_response(self.control)

    def _problem(self, control: Control) -> str | None:
        """What is wrong with `control`, or None: it must have the keys and types of values of the current control."""
        unknown = control.keys() - self.control.keys()
        if unknown:
            return f"unknown: {', '.join(sorted(unknown))}"
        for key, value in control.items():
            known = self.control[key]
            values = value.values() if isinstance(value, dict) else [value]
            if isinstance(known, dict) and (not isinstance(value, dict) or value.keys() != known.keys()):
                return f"{key} takes {', '.join(known)}"
            if not all(isinstance(number, int | float) and 0 <= number < math.inf for number in values):
                return f"{key} takes numbers of 0 or more"
            if isinstance(known, dict) and key != "latency" and not any(values):
                return f"{key} takes at least one number above 0"
        if sum(rates(control).values()) > 1:
            return "the rates of faults add up to more than 1"
        return None

    async def _get_log(self, request: web.Request) -> web.Response:
        return web.json_response(self.log())

    async def _keep_state(self, app: web.Application) -> AsyncIterator[None]:
        if self.state_file and self.state_file.exists():
            self.restore(json.loads(self.state_file.read_text()))
        yield
        if self.state_file:
            self.state_file.parent.mkdir(parents=True, exist_ok=True)
            self.state_file.write_text(json.dumps(self.log()))


def main(simulator: type["Simulator"], port: int) -> None:
    """Serve the class `simulator` until SIGTERM or SIGINT; `port` is the default of --port."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--state-dir", type=Path, help="where the log is kept from one run to the next")
    options = parser.parse_args()
    application = simulator(options.state_dir).application()
    try:
        web.run_app(
            application,
            host=options.host,
            port=options.port,
            access_log=None,
            print=None,
            handler_cancellation=True,
            shutdown_timeout=1,
        )
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}")
