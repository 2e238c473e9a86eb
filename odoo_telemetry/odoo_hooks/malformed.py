"""Requests that name no host, or none that can be one: refused, where Odoo fails with a traceback at any address.

Anybody can send them, and Odoo's failures are counted.
"""

import functools
import re
from urllib.parse import urlsplit

from .http_layer import APPLICATION
from .patch import Patch

_CHARACTERS = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_ANSWER = b"The header Host is missing or malformed.\n"


def _is_host(value):
    try:
        parts = urlsplit(f"//{value}")
        return bool(_CHARACTERS.fullmatch(value) and parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False


def _refused(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        forwarded = environ.get("HTTP_X_FORWARDED_HOST", "").rpartition(",")[2].strip()
        if _is_host(environ.get("HTTP_HOST", "")) and (not forwarded or _is_host(forwarded)):
            return application_call(self, environ, start_response)
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_ANSWER)))]
        start_response("400 Bad Request", headers)
        return [_ANSWER] if environ["REQUEST_METHOD"] != "HEAD" else []

    return __call__


_PATCH = Patch(APPLICATION, _refused)


def install():
    """Refuse them."""
    _PATCH.install()


def uninstall():
    """Leave them to Odoo."""
    _PATCH.uninstall()
