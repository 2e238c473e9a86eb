"""Requests: how many, how long they took, for whom, and with how much SQL.

A request is measured from its arrival at the WSGI application until the application hands back its answer. A websocket
is handed over at its upgrade, so it counts as a short request.
"""

import functools
import threading
from time import perf_counter

from odoo.modules.registry import Registry

from ..metrics.catalogue import (
    HTTP_REQUEST_DURATION,
    HTTP_REQUEST_SQL_SECONDS,
    HTTP_REQUEST_SQL_STATEMENTS,
    HTTP_REQUESTS,
)
from . import patch, presence, roles, routes, workers
from .caches import peek
from .guard import guarded
from .http_layer import APPLICATION, CURRENT, ROOT, current_request, statistics
from .patch import Patch
from .probe import find
from .routes import UNMATCHED


def _measured(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        begun = perf_counter()
        status_class, served = "5xx", _UNKNOWN

        def respond(status, *arguments):
            nonlocal status_class, served
            status_class = status[0] + "xx"
            served = _served() or _UNKNOWN
            return start_response(status, *arguments)

        token = workers.begin()
        try:
            return application_call(self, environ, respond)
        finally:
            workers.end(token)
            _record(environ["REQUEST_METHOD"], status_class, served, perf_counter() - begun)

    return __call__


_UNKNOWN = (None, UNMATCHED, None, roles.UNKNOWN)


@guarded
def _served():
    """Return (database, route, user id, role) of the request being answered."""
    request = current_request()
    session = getattr(request, "session", None)
    if session is None:
        return _UNKNOWN
    uid = session.uid or getattr(threading.current_thread(), "uid", None)
    role = roles.role(request.registry or peek(Registry.registries, request.db), uid)
    return request.db, getattr(request, "telemetry_route", UNMATCHED), uid, role


@guarded
def _record(method, status_class, served, seconds):
    database, route, uid, role = served
    route = routes.shown(database, route)
    thread = statistics()
    HTTP_REQUESTS.inc(database=database, route=route, method=method, status_code_class=status_class, user_role=role)
    HTTP_REQUEST_DURATION.observe(
        seconds, database=database, route=route, method=method, status_code_class=status_class
    )
    HTTP_REQUEST_SQL_STATEMENTS.inc(thread.query_count, database=database, route=route)
    HTTP_REQUEST_SQL_SECONDS.inc(thread.query_time, database=database, route=route)
    if role not in (roles.PUBLIC, roles.UNKNOWN):
        presence.touch(database, uid, role)


def _routed(set_request_dispatcher):
    @functools.wraps(set_request_dispatcher)
    def _set_request_dispatcher(self, rule):
        self.telemetry_route = rule.rule
        return set_request_dispatcher(self, rule)

    return _set_request_dispatcher


def _routed_static(serve_static):
    @functools.wraps(serve_static)
    def _serve_static(self):
        module = self.httprequest.path[1:].partition("/static/")[0]
        self.telemetry_route = routes.static(module)
        return serve_static(self)

    return _serve_static


_PATCHES = (
    Patch(APPLICATION, _measured),
    Patch(("odoo.http.router:_set_request_dispatcher", "odoo.http:Request._set_request_dispatcher"), _routed),
    Patch(("odoo.http.router:serve_static", "odoo.http:Request._serve_static"), _routed_static),
)


def install():
    """Measure requests."""
    find(*CURRENT)
    find(*ROOT)
    patch.install(_PATCHES)


def uninstall():
    """Measure them no more."""
    for one in _PATCHES:
        one.uninstall()
