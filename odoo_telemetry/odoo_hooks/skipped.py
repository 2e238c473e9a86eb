"""Hooks that this process skips, because they do not fit this version of Odoo."""

import logging

from odoo import release

from ..metrics import store
from .probe import UnsupportedOdooError

_logger = logging.getLogger(__name__)

CONSEQUENCES = {
    "errors": "unhandled errors are not counted",
    "http": "requests are not measured",
    "rpc": "calls by XML-RPC and JSON-RPC are not counted by model and method",
    "asgi": "SQL and routes of FastAPI's applications are not measured",
    "orm_cache": "hits and misses of the ORM cache are not counted",
    "presence": "concurrent users are not counted",
    "queue": "queued requests are not counted",
    "retries": "attempts are counted again with each retry",
    "workers": "workers are not measured",
    "tracing": "requests are not traced",
    "logs": "lines of the JSON log have no request id",
    "malformed": "a malformed Host header causes an error in Odoo",
    "health": "health probes are not answered",
    "roles": "the role of users is unknown",
    "records": "custom counters are not counted",
    "pool": "the connection pools are not measured",
    "websockets": "open websockets are not counted",
    "info": "odoo_info and odoo_module_info are not exported",
    "queue_job": "jobs of queue_job are not measured",
    "sql_spans": "traces have no spans of SQL statements",
    "orm_spans": "traces have no spans of the ORM",
    "job_spans": "jobs of queue_job are not traced",
}
"""{name of a hook: what is missing when it is skipped}."""

_skipped = set()


def skip(name, error):
    """Skip the hook ``name``; log and count that once in this process.

    :param str name: a key of ``CONSEQUENCES``
    :param Exception error: why
    """
    if name not in _skipped:
        _skipped.add(name)
        store.errors.add("hook")
        reason = error if isinstance(error, UnsupportedOdooError) else f"{type(error).__name__}: {error}"
        _logger.warning("The hook %s is skipped on Odoo %s: %s; %s", name, release.series, reason, CONSEQUENCES[name])


def names():
    """Return the sorted names of the hooks that are skipped."""
    return sorted(_skipped)
