"""A span of each call to the ORM that reads or writes the database, within a sampled trace and its limit of details."""

import functools
import inspect

from . import patch, tracing
from .patch import Patch

_METHODS = ("search_fetch", "search_count", "fetch", "_read_group", "create", "write", "unlink")
"""Not those that flush: the ORM calls them before each query, mostly for nothing."""
_OF_RECORDS = ("fetch", "write", "unlink")
"""On empty recordsets, these do nothing."""


def _spanned(function):
    method = function.__name__
    of_records = method in _OF_RECORDS

    @functools.wraps(function)
    def call(self, *arguments, **keywords):
        if (of_records and not self._ids) or not tracing.takes_detail():
            return function(self, *arguments, **keywords)
        with tracing.span(f"{self._name} {method}", **{"odoo.model": self._name, "odoo.method": method}):
            return function(self, *arguments, **keywords)

    # all that callers pass is passed on
    call.__signature__ = inspect.signature(function)
    return call


_PATCHES = tuple(Patch(f"odoo.models:BaseModel.{method}", _spanned) for method in _METHODS)


def install():
    """Trace the ORM, if traces are to have details."""
    if tracing.has_details():
        patch.install(_PATCHES)


def uninstall():
    """Stop tracing the ORM."""
    for one in _PATCHES:
        one.uninstall()
