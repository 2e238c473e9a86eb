"""Unhandled errors: exceptions that Odoo logs as ERROR or CRITICAL, or answers with a 5xx.

An exception is counted once, however often it is logged. Those logged during a request are counted at its end. One that
is answered with a 4xx, such as FastAPI's for an invalid request, was handled and is not counted. An exception and the
one that it caused count once. Its type is

- ``orm_error``: its class is the database driver's or Odoo's own (``odoo.exceptions``), or the ORM itself raised it;
- ``controller_error``: otherwise, if it was raised in a controller (the addon's innermost frame is in its package
  ``controllers``) or in Odoo's HTTP layer without any addon;
- ``python_exception``: otherwise.

Its module is the addon of the innermost frame that belongs to one, else ``odoo``. Frames of this addon, and of
declared observers, are ignored if they only forward a call: those of a wrapper of one of Odoo's functions, and of an
override that calls ``super()``.
"""

import logging
from itertools import pairwise

from ..metrics.catalogue import APPLICATION_ERRORS, OBSERVERS, declare_observer
from . import request_state
from .guard import guarded

_ADDONS = "odoo.addons."
_ORM_CLASSES = ("psycopg2", "odoo.exceptions")
_ORM_FRAMES = ("odoo.models", "odoo.fields", "odoo.orm", "odoo.api", "odoo.osv", "odoo.sql_db")
_HTTP_FRAMES = ("odoo.http",)
_COUNTED = "_telemetry_counted"
_DEEPEST = 5

declare_observer(__name__.removesuffix(".odoo_hooks.errors"))


def _belongs(module, packages):
    return any(module == package or module.startswith(package + ".") for package in packages)


def _modules(exception):
    """Return the names of the modules of an exception's frames, the innermost last; without those that pass it on."""
    frames = []
    entry = exception.__traceback__
    while entry is not None:
        frames.append(entry.tb_frame)
        entry = entry.tb_next
    return [
        frame.f_globals.get("__name__") or ""
        for frame, called in pairwise((*frames, None))
        if called is None or not _passes_on(frame, called)
    ]


def _passes_on(frame, called):
    """Return whether ``frame`` is of an addon that observes, and only calls what it wraps or overrides."""
    if not _belongs(frame.f_globals.get("__name__") or "", OBSERVERS):
        return False
    code = called.f_code
    if code.co_name == frame.f_code.co_name:
        return True
    return any(_is_code_of(code, frame.f_locals.get(name)) for name in frame.f_code.co_freevars)


def _is_code_of(code, function):
    """Return whether ``function`` runs ``code``: also one that is bound, partial or wrapped."""
    for _depth in range(_DEEPEST):
        if getattr(function, "__code__", None) is code:
            return True
        inner = (getattr(function, name, None) for name in ("func", "__func__", "__wrapped__"))
        function = next(filter(None, inner), None)
    return False


def describe(exception):
    """Return (error type, error class, module) of an exception, as described in the module's docstring."""
    frames = _modules(exception)
    innermost = frames[-1] if frames else ""
    addon_frame = next((name for name in reversed(frames) if name.startswith(_ADDONS)), None)
    package = addon_frame.split(".") if addon_frame else ["odoo", "addons", "odoo"]
    error_class = type(exception)
    if _belongs(error_class.__module__, _ORM_CLASSES) or _belongs(innermost, _ORM_FRAMES):
        error_type = "orm_error"
    elif "controllers" in package[3:4] or (
        addon_frame is None and any(_belongs(name, _HTTP_FRAMES) for name in frames)
    ):
        error_type = "controller_error"
    else:
        error_type = "python_exception"
    return error_type, error_class.__name__, package[2]


def note_counted(exception):
    """Mark ``exception`` as counted elsewhere."""
    setattr(exception, _COUNTED, True)


class ErrorCounter(logging.Handler):
    """Counts the exceptions of the records that it is given."""

    def __init__(self):
        super().__init__(logging.ERROR)

    def emit(self, record):
        exception = record.exc_info and record.exc_info[1]
        if exception is None:
            return
        given = request_state.current.get()
        if given is not None and not given.is_over:
            given.logged.append(exception)
        else:
            _count(exception)


@guarded
def _count(exception, *chained):
    """Count an exception unless it was counted before, and mark those of its chain as counted with it."""
    if getattr(exception, _COUNTED, False):
        return
    for one in (exception, *chained):
        note_counted(one)
    error_type, error_class, module = describe(exception)
    APPLICATION_ERRORS.inc(error_type=error_type, error_class=error_class, module_name=module)


def settle(given):
    """Count the errors of a request that was answered: :class:`.request_state.RequestState`."""
    logged, failure = given.logged, given.failure
    # their tracebacks hold what the request had
    given.logged = given.failure = None
    if failure is not None or logged:
        _settle(given.status_class, logged, failure)


@guarded
def _settle(status_class, logged, failure):
    answered = _chain(failure)
    for exception in logged:
        if id(exception) not in answered:
            _count(exception)
    if status_class == "4xx":
        return
    counted = [exception for exception in logged if id(exception) in answered]
    if not counted and status_class == "5xx":
        counted = [failure]
    if counted:
        _count(*counted, *answered.values())


def _chain(exception):
    """Return {id: exception} of an exception (or None) and those that led to it."""
    chain = {}
    while exception is not None and id(exception) not in chain:
        chain[id(exception)] = exception
        exception = exception.__cause__ or exception.__context__
    return chain


_handler = ErrorCounter()


def install():
    """Count errors."""
    logging.getLogger().addHandler(_handler)


def uninstall():
    """Stop counting errors."""
    logging.getLogger().removeHandler(_handler)
