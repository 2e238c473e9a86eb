"""Version-independent access to Odoo's HTTP layer.

18.0 and 19.0 have one module ``odoo.http``; in 20.0 it is a package, whose current request is a context variable.
"""

import threading
import time
from types import SimpleNamespace

from odoo import http, release
from odoo.tools import config

from .probe import find

try:
    from odoo.http.dispatcher import HttpDispatcher
except ImportError:
    from odoo.http import HttpDispatcher  # noqa: F401

APPLICATION = "odoo.http.router:root.__class__.__call__", "odoo.http:root.__class__.__call__"
"""Where the WSGI application answers a request. An addon may have put something else in place of its class."""
CURRENT = "odoo.http:request_var", "odoo.http:_request_stack"
"""Where the current request is."""
ROUTE_TYPES = {"http", "json", "jsonrpc", "json2"}
"""The types of routes that Odoo itself dispatches, in any version."""
ROOT = "odoo.http.router:root", "odoo.http:root"
"""Where the WSGI application is."""

if hasattr(http, "request_var"):

    def current_request():
        """Return the ``Request`` that is being answered, or None."""
        return http.request_var.get(None)

else:

    def current_request():
        """Return the ``Request`` that is being answered, or None."""
        return http._request_stack.top


try:
    from odoo.netsvc import ExecutionInfo
except ImportError:
    COUNTS_BY_THREAD = True
    """Whether the :func:`statistics` of a request lack the SQL that other threads send for it."""

    def statistics():
        """Return an object with ``query_count`` and ``query_time`` (seconds) of the SQL of the current request."""
        return threading.current_thread()

else:
    COUNTS_BY_THREAD = False

    def statistics():
        """Return an object with ``query_count`` and ``query_time`` (seconds) of the SQL of the current request."""
        counted = ExecutionInfo.get().db_stats
        return SimpleNamespace(query_count=counted.count, query_time=counted.time)


def seconds_of_request():
    """Return the seconds (float) since Odoo began to answer the current request; None if Odoo does not note that."""
    begun = getattr(threading.current_thread(), "perf_t0", None)
    return None if begun is None else max(time.time() - begun, 0.0)


def nodb_rules():
    """Return a list of (URL pattern, endpoint) of what is served without a database."""
    return [(rule.rule, rule.endpoint) for rule in find(*ROOT).nodb_routing_map.iter_rules()]


def server_wide_modules():
    """Return the names (list of str) of the modules that are served without a database."""
    if release.version_info >= (19,):
        return config["server_wide_modules"]
    from odoo import conf

    return conf.server_wide_modules


def wsgi_request(httprequest):
    """Return the `werkzeug.wrappers.Request` in Odoo's request, which hides its body and its WSGI environment."""
    return httprequest._HTTPRequest__wrapped
