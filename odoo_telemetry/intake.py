"""Requests to telemetry's own routes: ``type="telemetry"``. A body is read up to a limit and no further.

Odoo's own dispatchers parse the body before the endpoint is called, up to 128 MiB of it.
"""

import contextlib
import json
import time
from ipaddress import IPv6Network, ip_address

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from odoo.http import request

from .odoo_hooks.http_layer import HttpDispatcher, wsgi_request

_PIECE = 64 * 1024
_DISCARD_SECONDS = 5


class TelemetryDispatcher(HttpDispatcher):
    """Calls the endpoint without parsing the body; refusals are sent as JSON with an ``error``."""

    routing_type = "telemetry"
    mimetypes = ()

    def dispatch(self, endpoint, args):
        # for addons that look at them after the endpoint, such as utm
        self.request.params = {**self.request.httprequest.args.to_dict(), **args}
        return endpoint(**args)

    def post_dispatch(self, response):
        super().post_dispatch(response)
        discard(self.request.httprequest)

    def handle_error(self, exc):
        discard(self.request.httprequest)
        if isinstance(exc, HTTPException) and exc.code and exc.response is None:
            headers = [(name, value) for name, value in exc.get_headers() if name != "Content-Type"]
            return self.request.make_json_response({"error": exc.description}, headers=headers, status=exc.code)
        return super().handle_error(exc)


def read(limit):
    """Return the JSON object (dict) that the body of the request holds.

    :param int limit: bytes that are read at most
    :raises RequestEntityTooLarge: when the body is longer
    :raises BadRequest: when it holds no JSON object, the client went away, or sent no valid chunks
    """
    # Odoo calls the endpoint once more after a serialization failure, and the stream is at its end by then
    if not hasattr(request, "telemetry_body"):
        request.httprequest.max_content_length = limit
        stream = wsgi_request(request.httprequest).stream
        request.telemetry_body = b"".join(iter(lambda: stream.read(_PIECE), b""))
    try:
        content = json.loads(request.telemetry_body.decode())
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise BadRequest("The body must be a JSON object.")
    return content


def discard(httprequest):
    """Read what is left of the body, in small pieces, so that the client gets to see the answer.

    Werkzeug's server does the same after the answer, but 10 MB at a time, which would increase the worker's memory.
    Both addons that read bodies have this function: neither depends on the other.
    """
    if "Transfer-Encoding" not in httprequest.headers and (httprequest.content_length or 0) <= _PIECE:
        return
    wrapped = wsgi_request(httprequest)
    deadline = time.monotonic() + _DISCARD_SECONDS
    with contextlib.suppress(OSError, BadRequest, RequestEntityTooLarge):
        # neither blocks at the end: one stops after the last chunk, the other after the declared length
        wrapped.max_content_length = None
        rest = wrapped.environ["wsgi.input"] if "wsgi.input_terminated" in wrapped.environ else wrapped.stream
        while rest.read(_PIECE) and time.monotonic() < deadline:
            pass


def client(address):
    """Return the part of a client's address (str) that identifies it: of IPv6 the /64 of a subscriber.

    Odoo itself takes the address from the last entry of X-Forwarded-For, that of its own proxy, if `proxy_mode` is set.
    """
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))
