"""Unhandled errors: what Odoo logs as ERROR or CRITICAL together with an exception.

An exception is counted once, however often it is logged. Its type is

- ``orm_error``: its class is the database driver's or Odoo's own (``odoo.exceptions``), or the ORM itself raised it;
- ``controller_error``: otherwise, if it was raised in a controller (the addon's innermost frame is in its package
  ``controllers``) or in Odoo's HTTP layer without any addon;
- ``python_exception``: otherwise.

Its module is the addon of the innermost frame that belongs to one, else ``odoo``.
"""

import logging
import traceback

from ..metrics import store

_ADDONS = "odoo.addons."
_ORM_CLASSES = ("psycopg2", "odoo.exceptions")
_ORM_FRAMES = ("odoo.models", "odoo.fields", "odoo.orm", "odoo.api", "odoo.osv", "odoo.sql_db")
_COUNTED = "_telemetry_counted"


def _belongs(module, packages):
    return any(module == package or module.startswith(package + ".") for package in packages)


def describe(exception):
    """Return (error type, error class, module) of an exception, as the module's docstring tells."""
    frames = [frame.f_globals.get("__name__") or "" for frame, _line in traceback.walk_tb(exception.__traceback__)]
    innermost = frames[-1] if frames else ""
    addon_frame = next((name for name in reversed(frames) if name.startswith(_ADDONS)), None)
    package = addon_frame.split(".") if addon_frame else ["odoo", "addons", "odoo"]
    error_class = type(exception)
    if _belongs(error_class.__module__, _ORM_CLASSES) or _belongs(innermost, _ORM_FRAMES):
        error_type = "orm_error"
    elif "controllers" in package[3:4] or (addon_frame is None and "odoo.http" in frames):
        error_type = "controller_error"
    else:
        error_type = "python_exception"
    return error_type, error_class.__name__, package[2]


class ErrorCounter(logging.Handler):
    """Counts the exceptions of the records that it is given."""

    def __init__(self):
        super().__init__(logging.ERROR)

    def emit(self, record):
        exception = record.exc_info and record.exc_info[1]
        if exception is None or getattr(exception, _COUNTED, False):
            return
        try:
            setattr(exception, _COUNTED, True)
            store.inc("odoo_application_errors_total", describe(exception))
        except Exception:
            self.handleError(record)


_handler = ErrorCounter()


def install():
    """Count errors."""
    logging.getLogger().addHandler(_handler)


def uninstall():
    """Count them no more."""
    logging.getLogger().removeHandler(_handler)
