"""All patches of Odoo's internals, and the differences between versions of Odoo.

A hook is a module with ``install()`` and ``uninstall()``. It names what it needs of Odoo (``probe.py``, ``patch.py``),
and looks it up in ``install()``; where this version of Odoo lacks it, only this hook is skipped. At module level, it
imports only what every supported version has, so that models and controllers can import a hook that is skipped.
"""

import functools
import importlib
import logging
import sys

from odoo import release

from ..metrics import store
from . import skipped

_logger = logging.getLogger(__name__)

TESTED = ("18.0", "19.0")
"""The series of Odoo that the tests run on."""

_OF_ADDONS = "queue_job", "job_spans"
HOOKS = (
    "errors", "http", "rpc", "asgi", "orm_cache", "presence", "queue", "retries", "workers", "tracing", "logs",
    "malformed", "health", "records", "pool", "websockets", "info", "sql_spans", "orm_spans", *_OF_ADDONS,
)  # fmt: skip
"""In the order in which they wrap functions: the span is open while the request is timed."""

_installed = False


def install():
    """Measure this process, and those forked from it; does nothing if it is measured already. Never raises."""
    global _installed
    if _installed:
        return
    _installed = True
    _check_series()
    _install(HOOKS)


def install_with_addons():
    """Install the hooks of addons that a database has loaded since :func:`install`. Never raises."""
    _install(_OF_ADDONS)


def _install(names):
    before = skipped.names()
    for name in names:
        try:
            importlib.import_module(f".{name}", __name__).install()
        except Exception as error:
            # whatever is wrong with it: Odoo has to start
            skipped.skip(name, error)
    if skipped.names() != before:
        # the errors of a process that serves nothing itself are counted where all processes can read them
        store.reader.sums()


def uninstall():
    """Leave Odoo as it was found: for tests and benchmarks that compare."""
    global _installed
    _installed = False
    for name in reversed(HOOKS):
        if hook := sys.modules.get(f"{__name__}.{name}"):
            hook.uninstall()


@functools.cache
def _check_series():
    if release.series not in TESTED:
        _logger.warning("Odoo %s is not a tested version; tested versions: %s", release.series, ", ".join(TESTED))
