"""What comes from outside: read up to a limit and no further, and checked before the ORM sees it.

A route that takes JSON has ``type="intake"``: it reads its body with `read`, and whatever refuses the request is sent
as a JSON object with an ``error``. A route that takes a form has ``max_content_length``, see `models/ir_http.py`.
"""

import contextlib
import json
import math
import time

from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from odoo.exceptions import UserError, ValidationError
from odoo.http import HttpDispatcher, request

from .compat import wsgi_request
from .refusal import about

MAX_PAGE = 16 * 1024
"""Bytes of a body sent to a page that needs none."""

_PIECE = 64 * 1024
_DISCARD_SECONDS = 5
_MAX_TOKEN = 200


class IntakeDispatcher(HttpDispatcher):
    """Calls the endpoint without parsing the body: Odoo's other dispatchers do so first, up to 128 MiB."""

    routing_type = "intake"
    mimetypes = ()

    def dispatch(self, endpoint, args):
        # for addons that look at them after the endpoint, such as utm
        self.request.params = {**self.request.httprequest.args.to_dict(), **args}
        return endpoint(**args)

    def post_dispatch(self, response):
        # `ir.http` does so, too, but not for a request without a database
        super().post_dispatch(response)
        discard(self.request.httprequest)

    def handle_error(self, exc):
        if isinstance(exc, UserError):
            return self.request.make_json_response({"error": exc.args[0]}, status=400)
        if isinstance(exc, HTTPException) and exc.code and exc.response is None:
            headers = [(name, value) for name, value in exc.get_headers() if name != "Content-Type"]
            return self.request.make_json_response({"error": exc.description}, headers=headers, status=exc.code)
        return super().handle_error(exc)


def read(limit):
    """Return the body of the request (bytes).

    :param int limit: bytes that are read at most
    :raises RequestEntityTooLarge: the body is longer
    :raises BadRequest: the client went away, or sent no valid chunks
    """
    if hasattr(request, "intake_body"):
        # Odoo calls the endpoint once more after a serialization failure, and the stream is at its end by then
        return request.intake_body
    httprequest = request.httprequest
    httprequest.max_content_length = limit
    try:
        # joined once it is known to be within the limit: get_data() would hold it twice, and may cut it off there
        stream = wsgi_request(httprequest).stream
        request.intake_body = b"".join(iter(lambda: stream.read(_PIECE), b""))
        return request.intake_body
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(f"The body is larger than {limit} bytes.") from None


def parse(body):
    """Return the JSON object (dict) that `body` (bytes) holds, in UTF-8.

    :raises BadRequest: it holds none, or one with a number or a text that can't be stored
    """
    try:
        values = json.loads(body.decode())
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise BadRequest("The body must be a JSON object.")
    if not is_storable(values):
        raise BadRequest("The body holds a NUL character, half a surrogate pair, or a number that isn't finite.")
    return values


def is_storable(value):
    """Return whether PostgreSQL and JSON can hold `value`: texts, numbers, lists and dicts of any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            waiting += item
        elif isinstance(item, float) and not math.isfinite(item) or isinstance(item, str) and not is_text(item):
            return False
    return True


def is_text(value):
    """Return whether `value` is a text that PostgreSQL can hold: without NUL and lone surrogates."""
    if not isinstance(value, str) or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def form(**limits):
    """Return the texts of the form that was sent, as {name: text}; a field that is missing is empty.

    :param limits: how many characters each field may have
    :raises ValidationError: a field is longer, or a file
    """
    httprequest = request.httprequest
    values = {name: httprequest.form.get(name, "") for name in limits}
    for name, limit in limits.items():
        if len(values[name]) > limit or name in httprequest.files:
            raise too_long(name, len(values[name]), limit)
    return values


def too_long(name, length, limit):
    """Return the ValidationError about a field `name` of `length` characters, of which `limit` are accepted."""
    message = request.env._(
        "The text has %(length)s characters; the limit is %(limit)s. Shorten it.", length=length, limit=limit
    )
    return about(name, ValidationError(message))


def check_form(httprequest):
    """Check what Odoo passes to the endpoint as arguments: the query and the form.

    :raises BadRequest: Odoo, Python or PostgreSQL could not take it
    :raises RequestEntityTooLarge: it is longer than the route's limit
    """
    try:
        sent = [(name, values) for values in (httprequest.args, httprequest.form) for name, values in values.lists()]
        names = {*(name for name, _values in sent), *httprequest.files}
        _check_end(httprequest)
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            request.env._("The form is too large. Go back, and choose a smaller file or shorten the text.")
        ) from None
    if not is_storable([*names, *sent]):
        raise BadRequest("The form holds a NUL character.")
    if "self" in names:
        raise BadRequest("The form must not have a field named “self”.")
    tokens = [token for name, values in sent if name == "csrf_token" for token in values]
    if "csrf_token" in httprequest.files or not all(map(str.isascii, tokens)):
        raise BadRequest("The CSRF token is malformed.")


def _check_end(httprequest):
    """Raise RequestEntityTooLarge if more follows than was read: at the limit, Werkzeug may stop without an error."""
    wsgi_request(httprequest).stream.read(1)


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
