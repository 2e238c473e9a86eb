"""Odoo itself, measured: requests, ORM cache, errors, workers, request queue, users, what its transactions keep.

It answers probes, too (``health.py``): ahead of Odoo's routes.
"""

from . import errors, health, http, orm_cache, presence, queue, retries, savepoints, workers

_PARTS = (errors, http, orm_cache, presence, queue, retries, savepoints, workers, health)


def install():
    """Begin to measure this process and those forked from it; does nothing if it is measured already."""
    for part in _PARTS:
        part.install()


def uninstall():
    """Leave Odoo as it was found."""
    for part in reversed(_PARTS):
        part.uninstall()
