"""Odoo's log as JSON, one object a line; see ``json_lines.py`` for what is in it.

It is off, and imports nothing, unless the option ``odoo_telemetry_json_logs`` of Odoo's configuration file is
true.
"""

import logging

from . import request_id

_logger = logging.getLogger(__name__)

_ODOOS_FORMAT = "%(dbname)s"

_wanted = False
_replaced = []


def configure(wanted):
    """Write JSON if ``wanted`` (bool), once installed."""
    global _wanted
    _wanted = wanted


def install():
    """Have the handlers that Odoo made write JSON, if it is wanted."""
    if not _wanted or _replaced:
        return
    try:
        from .json_lines import JsonLines
    except ImportError as error:
        _logger.error(
            "odoo_telemetry_json_logs is on, but the log is not JSON: %s. "
            "Install: pip install python-json-logger", error,
        )  # fmt: skip
        return
    for handler in logging.getLogger().handlers:
        if _ODOOS_FORMAT in (getattr(handler.formatter, "_fmt", None) or ""):
            _replaced.append((handler, handler.formatter))
            handler.setFormatter(JsonLines())
    request_id.PATCH.install()


def uninstall():
    """Give the handlers back what they wrote with."""
    request_id.PATCH.uninstall()
    while _replaced:
        handler, formatter = _replaced.pop()
        handler.setFormatter(formatter)
