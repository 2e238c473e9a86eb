"""Routes: which of them have series of their own.

They are known before they are asked for: when a database's routing map is made, its routes are let into the label
``route`` in an order that is the same in every worker. What a request asks for takes up nothing, so a stranger who
visits all public pages takes no route of a user's work out of the metrics.
"""

from ..metrics import clock, store
from ..metrics.catalogue import LABELS_FOLDED, ROUTE, UI_ROUTE
from ..metrics.labels import OTHER
from .http_layer import nodb_rules, server_wide_modules

UNMATCHED = "unmatched"
_PAGES_SHARE = 0.7
"""Of the room for what browsers open, so much is for pages, which their routes make known; the rest is for actions."""

_routes = {}
"""{database: {route: its place in the order}}"""
_pages = {}
_shown = {}
"""{database: set of the routes that have series}, once they are let in."""
_retry_at = {}
"""{database: when its routes are let in again}: its directory may have been made, or a limit raised, meanwhile."""
_RETRY_SECONDS = 1.0


def static(module):
    """Return the route (str) that stands for the static files of ``module``."""
    return f"/{module}/static"


def learn(database, rules, modules):
    """Take in a routing map; never raises.

    :param database: name, or None for what is served without one
    :param rules: iterable of (URL pattern, routing dict of the endpoint)
    :param modules: iterable of the names of the modules that are served
    """
    try:
        routes, pages = _routes.setdefault(database, {UNMATCHED: (0, "")}), _pages.setdefault(database, {})
        for url, routing in rules:
            place = 1 if routing.get("auth") == "user" else 2, url
            routes[url] = min(place, routes.get(url, place))
            if routing.get("type") == "http" and "GET" in (routing.get("methods") or ("GET",)):
                pages[url] = routes[url]
        for module in filter(None, modules):
            routes.setdefault(static(module), (3, module))
        _admit(database)
    except Exception as exception:
        store.errors.count("instrumentation", "the routes of %s are not known: %s", database, exception)


def shown(database, route):
    """Return what the label ``route`` has for a request that ``route`` (a pattern) answered: itself, or 'other'."""
    if database is None and None not in _routes:
        learn(None, nodb_rules(), server_wide_modules())
    if route in _shown.get(database, ()):
        return route
    if clock.now() >= _retry_at.get(database, 0.0) and route in _admit(database):
        return route
    if route in _routes.get(database, ()):
        LABELS_FOLDED.inc(label=ROUTE.name)
    return OTHER


def is_page(database, route):
    """Return whether ``route`` (str) is a page that has series of its own among what browsers open."""
    return route in store.limits.admitted(database, UI_ROUTE)


def _admit(database):
    """Let in what there is room for; return the set of what is in."""
    _retry_at[database] = clock.now() + _RETRY_SECONDS
    if database in _routes:
        store.limits.admit(database, ROUTE, _ordered(_routes[database]))
        store.limits.admit(database, UI_ROUTE, _ordered(_pages[database]), _PAGES_SHARE)
    _shown[database] = store.limits.admitted(database, ROUTE)
    return _shown[database]


def _ordered(routes):
    return sorted(routes, key=routes.get)
