"""The hooks that this process does without, because they do not fit this Odoo."""

import logging

from odoo import release

from ..metrics import store
from .probe import UnsupportedOdooError

_logger = logging.getLogger(__name__)

CONSEQUENCES = {
    "errors": "unhandled errors are not counted",
    "http": "requests are not measured",
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
}
"""By the name of the hook, what it means that it is skipped."""

_skipped = set()


def skip(name, error):
    """Do without the hook ``name``: log it and count it, the first time in this process.

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
