"""Rejects requests with a missing or malformed Host header.

Odoo fails on them with a traceback at any address, which anybody could cause, and which would count as an unhandled
error.
"""

import functools
import re
from urllib.parse import urlsplit

from .http_layer import APPLICATION
from .patch import Patch

_CHARACTERS = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_ANSWER = b"The header Host is missing or malformed.\n"


@functools.lru_cache(maxsize=128)
def _is_host(value):
    try:
        parts = urlsplit(f"//{value}")
        return bool(_CHARACTERS.fullmatch(value) and parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False


def _refused(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        forwarded = environ.get("HTTP_X_FORWARDED_HOST", "")
        if forwarded:
            forwarded = forwarded.rpartition(",")[2].strip()
        if _is_host(environ.get("HTTP_HOST", "")) and (not forwarded or _is_host(forwarded)):
            return application_call(self, environ, start_response)
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_ANSWER)))]
        start_response("400 Bad Request", headers)
        return [_ANSWER] if environ["REQUEST_METHOD"] != "HEAD" else []

    return __call__


_PATCH = Patch(APPLICATION, _refused)


def install():
    """Reject them."""
    _PATCH.install()


def uninstall():
    """Leave them to Odoo."""
    _PATCH.uninstall()
