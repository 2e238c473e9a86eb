"""Requests: how many, how long they took, for whom, and with how much SQL.

A request is measured from its arrival at the WSGI application until the application returns its response. A websocket
is handed over at its upgrade, so it counts as a short request.
"""

import functools
import sys
import threading
from time import perf_counter

from odoo import SUPERUSER_ID
from odoo.modules.registry import Registry

from ..metrics.catalogue import (
    HTTP_REQUEST_DURATION,
    HTTP_REQUEST_SQL_SECONDS,
    HTTP_REQUEST_SQL_STATEMENTS,
    HTTP_REQUESTS,
)
from . import asgi, errors, patch, presence, roles, routes, rpc, workers
from .caches import peek
from .guard import guarded
from .http_layer import APPLICATION, CURRENT, ROOT, ROUTE_TYPES, current_request, seconds_of_request, statistics
from .patch import Patch
from .probe import find
from .request_state import RequestState, current
from .routes import UNMATCHED


def _measured(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        begun = perf_counter()
        state = RequestState(_UNKNOWN)

        def respond(status, *arguments):
            _note(state, status)
            return start_response(status, *arguments)

        reset, token = current.set(state), workers.begin()
        try:
            return application_call(self, environ, respond)
        finally:
            workers.end(token)
            current.reset(reset)
            errors.settle(state)
            _record(environ["REQUEST_METHOD"], state, perf_counter() - begun)

    return __call__


_UNKNOWN = (None, UNMATCHED, None, roles.UNKNOWN)


def _note(state, status):
    """Note in ``state`` that the response begins now, with an HTTP status line."""
    state.status_class = status[0] + "xx"
    # Odoo answers an exception while it handles it
    state.failure = sys.exc_info()[1]
    state.served = _served(state) or _UNKNOWN


_joined = None
"""State of the request during which this process began to measure, until it is answered; otherwise None."""


@guarded
def _join():
    """Measure the current request too, if Odoo is still loading its registry.

    A process loads the addon within a request: after an installation, or if the addon is not server-wide.
    """
    global _joined
    request = current_request()
    if request is None or not request.db or request.registry is not None or current.get() is not None:
        return
    if seconds_of_request() is not None:
        _RESPONSE.install()
        _joined = RequestState(_UNKNOWN)
        current.set(_joined)


def _answered(get_wsgi_response):
    @functools.wraps(get_wsgi_response)
    def answered_get_wsgi_response(self, environ):
        given = get_wsgi_response(self, environ)
        state = current.get()
        if state is not None and state is _joined:
            _leave(state, environ["REQUEST_METHOD"], given[1])
        return given

    return answered_get_wsgi_response


@guarded
def _leave(state, method, status):
    """Count the request that was joined: it is answered."""
    global _joined
    _joined = None
    current.set(None)
    _RESPONSE.uninstall()
    _note(state, status)
    errors.settle(state)
    _record(method, state, seconds_of_request())


_RESPONSE = Patch("werkzeug.wrappers:Response.get_wsgi_response", _answered)
"""Odoo looks this method up for each response, but holds a reference to the original ``__call__``."""


@guarded
def _served(state):
    """Return (database, route, user id, role) of the request being answered; set ``state.call`` of an RPC call."""
    request = current_request()
    session = getattr(request, "session", None)
    if session is None:
        return _UNKNOWN
    uid = session.uid or getattr(threading.current_thread(), "uid", None)
    role = roles.role(request.registry or peek(Registry.registries, request.db), uid)
    if uid == SUPERUSER_ID and not session.uid:
        # not a user, but a service such as the runner of jobs
        uid = None
    route = getattr(request, "telemetry_route", UNMATCHED)
    if state.call is None:
        state.call = rpc.called(request, route, state.failure is not None)
    if state.scope is not None:
        succeeded = state.status_class < "4xx"
        route = request.telemetry_route = asgi.pattern(request.db, route, state.scope, succeeded) or route
    return request.db, route, uid, role


@guarded
def _record(method, state, seconds):
    status_class = state.status_class
    database, route, uid, role = state.served
    route = routes.shown(database, route)
    thread = statistics()
    HTTP_REQUESTS.inc(database=database, route=route, method=method, status_code_class=status_class, user_role=role)
    HTTP_REQUEST_DURATION.observe(
        seconds, database=database, route=route, method=method, status_code_class=status_class
    )
    HTTP_REQUEST_SQL_STATEMENTS.inc(thread.query_count + len(state.statements), database=database, route=route)
    HTTP_REQUEST_SQL_SECONDS.inc(thread.query_time + sum(state.statements), database=database, route=route)
    if state.call is not None:
        rpc.record(state.call, seconds)
    if uid and role not in (roles.PUBLIC, roles.UNKNOWN):
        presence.touch(database, uid, role)


def _routed(set_request_dispatcher):
    @functools.wraps(set_request_dispatcher)
    def _set_request_dispatcher(self, rule):
        self.telemetry_route = rule.rule
        routes.meet(self.db, rule)
        if rule.endpoint.routing.get("type") not in ROUTE_TYPES:
            asgi.prepare()
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
    _join()


def uninstall():
    """Stop measuring requests."""
    for one in (*_PATCHES, _RESPONSE):
        one.uninstall()
