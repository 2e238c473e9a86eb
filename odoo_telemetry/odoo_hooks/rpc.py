"""RPC calls: which method of which model was called, and how long it took.

These are the calls of the web client (``call_kw``, ``call_button``), those to ``/json/2``, and ``execute`` and
``execute_kw`` by XML-RPC and JSON-RPC. A method has series of its own once a call of it has succeeded, so a call that
is refused takes up nothing. Methods over the limit have one series per model.
"""

import functools

from odoo.exceptions import AccessDenied
from odoo.modules.registry import Registry

from ..metrics import clock, store
from ..metrics.catalogue import LABELS_CAPPED, RPC_CALL, RPC_CALLS, RPC_DURATION
from ..metrics.labels import OTHER
from . import request_state
from .caches import peek
from .guard import guarded
from .patch import Patch

_BY_NAME, _BY_PATH = ("model", "method"), ("__model__", "__method__")
_PARAMETERS = {
    "/web/dataset/call_kw": _BY_NAME,
    "/web/dataset/call_kw/<path:path>": _BY_NAME,
    "/web/dataset/call_button": _BY_NAME,
    "/web/dataset/call_button/<path:path>": _BY_NAME,
    "/json/2/<__model__>/<__method__>": _BY_PATH,
}
"""Which parameters of a request to a route name model and method."""
_METHODS_SHARE = 0.7
"""Share of the limit that is for methods; the rest is for the ``other`` of each model."""
_KNOWN_SECONDS = 1.0

_known = {}
"""{database: (until when it holds, whether calls are counted, {(model, method): what is shown})}"""


def called(request, route, failed):
    """Return what :func:`record` takes of a request that ``route`` answers, or None if it is not an RPC call.

    :param bool failed: whether an exception is answered
    """
    names = _PARAMETERS.get(route)
    if names is None:
        return None
    # a request that was refused before its parameters were read has none
    model, method = map(getattr(request, "params", {}).get, names)
    if not isinstance(model, str) or not isinstance(method, str):
        return None
    return request.db, model, method, failed


@guarded
def record(call, seconds):
    """Count a call, as :func:`called` returns it, and its duration in ``seconds`` (float)."""
    database, model, method, failed = call
    until, is_counted, shown = _known.get(database, (0.0, False, None))
    if clock.now() >= until:
        is_counted, shown = _look(database)
    if not is_counted:
        return
    pair = model, method
    if pair not in shown and not failed:
        shown[pair] = _admit(database, model, method)
    model, method = shown.get(pair, (OTHER, OTHER))
    if pair in shown and model != pair[0]:
        LABELS_CAPPED.inc(label=RPC_CALL.name)
    RPC_CALLS.inc(database=database, model=model, method=method, outcome="error" if failed else "ok")
    RPC_DURATION.observe(seconds, database=database, model=model, method=method)


def _look(database):
    settings = store.databases.settings().get(database)
    is_counted = settings is not None and settings.rpc_calls
    shown = {}
    if is_counted:
        shown = {pair: pair for pair in map(_pair, store.limits.admitted(database, RPC_CALL)) if pair[1] != OTHER}
    _known[database] = clock.now() + _KNOWN_SECONDS, is_counted, shown
    return is_counted, shown


def _admit(database, model, method):
    """Admit a method that was called; return the labels (model, method) that its series have."""
    if not _is_public(database, model, method):
        return OTHER, OTHER
    for labels, share in (((model, method), _METHODS_SHARE), ((model, OTHER), 1.0)):
        value = " ".join(labels)
        store.limits.admit(database, RPC_CALL, [value], share)
        if value in store.limits.admitted(database, RPC_CALL):
            return labels
    return OTHER, OTHER


def _is_public(database, model, method):
    found = (peek(Registry.registries, database) or {}).get(model)
    return not method.startswith("_") and callable(getattr(found, method, None))


def _pair(value):
    model, _, method = value.partition(" ")
    return model, method


def _noted(dispatch):
    """Note the model and method of ``execute`` and ``execute_kw``, which are in the parameters, not in the route."""

    @functools.wraps(dispatch)
    def noted_dispatch(method, params):
        failed = True
        try:
            result = dispatch(method, params)
            failed = False
            return result
        except AccessDenied:
            # not authenticated: not counted
            failed = None
            raise
        finally:
            _note(params, failed)

    return noted_dispatch


@guarded
def _note(params, failed):
    given = request_state.current.get()
    database, _uid, _password, model, method, *_arguments = params
    if given is not None and failed is not None and all(isinstance(name, str) for name in (database, model, method)):
        given.call = database, model, method, failed


_PATCH = Patch("odoo.service.model:dispatch", _noted)


def install():
    """Count calls."""
    _PATCH.install()


def uninstall():
    """Stop counting calls."""
    _PATCH.uninstall()
    _known.clear()
