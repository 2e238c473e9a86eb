"""A span of each SQL statement within a sampled trace, up to the trace's limit (``tracing.py``)."""

import functools
from time import time_ns

from . import statements, tracing
from .patch import Patch


def _spanned(execute):
    @functools.wraps(execute)
    def execute_in_span(self, query, params=None, log_exceptions=True):
        if not tracing.takes_detail():
            return execute(self, query, params, log_exceptions)
        begun, error = time_ns(), None
        try:
            return execute(self, query, params, log_exceptions)
        except Exception as exception:
            error = exception
            raise
        finally:
            tracing.add_client_span(lambda: _described(self, query, error), begun, error)

    return execute_in_span


def _described(cursor, query, error):
    name, attributes = statements.describe(query)
    attributes = {"db.system.name": "postgresql", "db.namespace": cursor.dbname, **attributes}
    if code := getattr(error, "pgcode", None):
        attributes["db.response.status_code"] = code
    return name, attributes


_PATCH = Patch("odoo.sql_db:Cursor.execute", _spanned)


def install():
    """Trace statements, if traces are to have details."""
    if tracing.has_details():
        _PATCH.install()


def uninstall():
    """Stop tracing statements."""
    _PATCH.uninstall()
