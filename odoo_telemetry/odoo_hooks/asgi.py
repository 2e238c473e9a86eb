"""ASGI applications that answer requests of Odoo, as those of OCA's ``fastapi`` do, by way of ``a2wsgi``.

They run in threads of their own; the SQL that they send still counts toward the request. They have routes of their own
below the one that Odoo knows. Nothing is patched until ``a2wsgi`` is loaded and a request has a route of a type that is
not Odoo's own.
"""

import functools
import sys
import threading
from time import perf_counter

from . import patch, request_state, routes
from .guard import guarded
from .http_layer import COUNTS_BY_THREAD
from .patch import Patch
from .probe import UnsupportedOdooError, find
from .skipped import skip

_LIBRARY = "a2wsgi.asgi"

_wanted = False
_patched = False


def _remembered(build_scope):
    @functools.wraps(build_scope)
    def remembered_build_scope(environ):
        scope = build_scope(environ)
        if (given := request_state.current.get()) is not None:
            given.scope = scope
        return scope

    return remembered_build_scope


def _counted(execute):
    @functools.wraps(execute)
    def counted_execute(self, query, params=None, log_exceptions=True):
        given = request_state.current.get()
        if given is None or given.is_over or hasattr(threading.current_thread(), "query_count"):
            # Odoo counts it, or it is of a task that has outlived its request
            return execute(self, query, params, log_exceptions)
        begun = perf_counter()
        result = execute(self, query, params, log_exceptions)
        given.statements.append(perf_counter() - begun)
        return result

    return counted_execute


_SCOPE = Patch(f"{_LIBRARY}:build_scope", _remembered)
_EXECUTE = Patch("odoo.sql_db:Cursor.execute", _counted)
_PATCHES = (_SCOPE, _EXECUTE) if COUNTS_BY_THREAD else (_SCOPE,)


def prepare():
    """Measure the ASGI application that answers next, if this module supports it."""
    global _patched
    if _wanted and not _patched and _LIBRARY in sys.modules:
        _patched = True
        try:
            patch.install(_PATCHES)
        except UnsupportedOdooError as error:
            skip("asgi", error)


@guarded
def pattern(database, route, scope, succeeded):
    """Return the pattern of the route within an application, below ``route`` of Odoo; ``route`` itself without one.

    :param dict scope: that the application has answered
    :param bool succeeded: whether it was answered below 400; no other answer makes a pattern known
    """
    prefix = route.partition("/<")[0]
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = getattr(found, "path", None)
    if not isinstance(path, str) or scope.get("root_path") != prefix:
        return route
    return routes.within(database, route, prefix + path, succeeded)


def install():
    """Be ready to measure them."""
    global _wanted
    if COUNTS_BY_THREAD:
        find("odoo.sql_db:Cursor.execute")
    _wanted = True


def uninstall():
    """Stop measuring them."""
    global _wanted, _patched
    _wanted = _patched = False
    for one in _PATCHES:
        one.uninstall()
