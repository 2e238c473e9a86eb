"""Every patch of Odoo's internals, and what differs in them between versions of Odoo.

A hook is a module with ``install()`` and ``uninstall()``. It names what it needs of Odoo (``probe.py``, ``patch.py``),
and looks for it in ``install()``; where this Odoo lacks it, the hook is skipped, and the others work. At its top it
imports only what every version has in the same place, so that models and controllers can call it all the same.
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

HOOKS = (
    "errors", "http", "orm_cache", "presence", "queue", "retries", "workers", "tracing", "logs", "malformed", "health",
    "records",
)  # fmt: skip
"""In the order in which they wrap what they measure: a span is there when a request is timed within it."""


def install():
    """Measure this process, and those forked from it; does nothing if it is measured already. Never raises."""
    _check_series()
    before = skipped.names()
    for name in HOOKS:
        try:
            importlib.import_module(f".{name}", __name__).install()
        except Exception as error:
            # whatever is wrong with it: Odoo has to start
            skipped.skip(name, error)
    if skipped.names() != before:
        # the errors of a process that serves nothing itself are counted where all processes can read them
        store.reader.sums()


def uninstall():
    """Leave Odoo as it was found."""
    for name in reversed(HOOKS):
        if hook := sys.modules.get(f"{__name__}.{name}"):
            hook.uninstall()


@functools.cache
def _check_series():
    if release.series not in TESTED:
        _logger.warning(
            "Odoo %s is not one of those that the hooks are tested on: %s", release.series, ", ".join(TESTED)
        )
