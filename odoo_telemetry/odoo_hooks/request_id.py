"""The id of an HTTP request: the sender's ``X-Request-Id`` if that is sane, else one made here."""

import functools
import re
import secrets
from contextvars import ContextVar

from .http_layer import APPLICATION
from .patch import Patch

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")

current = ContextVar("odoo_telemetry_request_id", default=None)
"""The id of the request that is being answered (str), or None."""


def _identified(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        given = environ.get("HTTP_X_REQUEST_ID", "")
        token = current.set(given if _SANE.fullmatch(given) else secrets.token_hex(8))
        try:
            return application_call(self, environ, start_response)
        finally:
            current.reset(token)

    return __call__


PATCH = Patch(APPLICATION, _identified)
"""Gives requests their id while it is installed."""
