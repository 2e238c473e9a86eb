"""Odoo itself, measured: requests, ORM cache, errors, workers, request queue, users, what its transactions keep.

It answers probes, too (``health.py``): ahead of Odoo's routes. Spans (``tracing.py``) and a log in JSON (``logs.py``)
are there for those who switch them on.
"""

from . import errors, health, http, logs, malformed, orm_cache, presence, queue, retries, tracing, workers

_PARTS = (errors, http, orm_cache, presence, queue, retries, workers, tracing, logs, malformed, health)
"""In the order in which they wrap what they measure: a span is there when a request is timed within it."""


def install():
    """Begin to measure this process and those forked from it; does nothing if it is measured already."""
    for part in _PARTS:
        part.install()


def uninstall():
    """Leave Odoo as it was found."""
    for part in reversed(_PARTS):
        part.uninstall()
