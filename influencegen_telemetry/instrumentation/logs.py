"""Odoo's log as JSON, one object a line; see ``json_lines.py`` for what is in it.

It is off, and imports nothing, unless the option ``influencegen_telemetry_json_logs`` of Odoo's configuration file is
true. A request is told from others by its id: the sender's ``X-Request-Id`` if that is sane, else one made here.
"""

import functools
import logging
import re
import secrets
from contextvars import ContextVar

from odoo import http

from .patch import Patch

_logger = logging.getLogger(__name__)

_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ODOOS_FORMAT = "%(dbname)s"

request_id = ContextVar("influencegen_telemetry_request_id", default=None)
"""The id of the HTTP request that is being answered (str), or None."""

_wanted = False
_replaced = []


def configure(wanted):
    """Write JSON if ``wanted`` (bool), once installed."""
    global _wanted
    _wanted = wanted


def _identified(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        given = environ.get("HTTP_X_REQUEST_ID", "")
        token = request_id.set(given if _SANE.fullmatch(given) else secrets.token_hex(8))
        try:
            return application_call(self, environ, start_response)
        finally:
            request_id.reset(token)

    return __call__


_PATCH = Patch(http.Application, "__call__", _identified)


def install():
    """Have the handlers that Odoo made write JSON, if it is wanted."""
    if not _wanted or _replaced:
        return
    try:
        from .json_lines import JsonLines
    except ImportError as error:
        _logger.error(
            "influencegen_telemetry_json_logs is on, but the log stays as it is: %s. "
            "Install: pip install python-json-logger", error,
        )  # fmt: skip
        return
    for handler in logging.getLogger().handlers:
        if _ODOOS_FORMAT in (getattr(handler.formatter, "_fmt", None) or ""):
            _replaced.append((handler, handler.formatter))
            handler.setFormatter(JsonLines())
    _PATCH.install()


def uninstall():
    """Give the handlers back what they wrote with."""
    _PATCH.uninstall()
    while _replaced:
        handler, formatter = _replaced.pop()
        handler.setFormatter(formatter)
