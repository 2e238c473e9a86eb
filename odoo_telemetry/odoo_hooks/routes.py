"""Routes: which of them have series of their own.

When a database's routing map is made, its routes are admitted to the label ``route``, in the same order in every
worker. Requests admit no routes but the patterns of an application with routes of its own (:func:`within`), so a
crawler of all public pages can't use up the limit of the label.
"""

from ..metrics import clock, store
from ..metrics.catalogue import LABELS_CAPPED, ROUTE, UI_ROUTE
from ..metrics.labels import OTHER
from . import scrape_route
from .http_layer import nodb_rules, server_wide_modules

UNMATCHED = "unmatched"
_PAGES_SHARE = 0.7
"""Share of the limit of ``UI_ROUTE`` that is for pages, which are known by their routes; the rest is for actions."""

_routes = {}
"""{database: {route: its place in the order}}"""
_pages = {}
_shown = {}
"""{database: set of the routes that have series}, once they are admitted."""
_retry_at = {}
"""{database: time of the next admission}: its directory may have been made, or a limit raised, meanwhile."""
_RETRY_SECONDS = 1.0


def static(module):
    """Return the route (str) that stands for the static files of ``module``."""
    return f"/{module}/static"


def learn(database, rules, modules):
    """Learn the routes of a routing map; never raises.

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
        store.errors.count(
            "instrumentation", "the routes of database %s are not known: %s", database or "none", exception
        )


def meet(database, rule):
    """Learn the routing map of ``rule`` (werkzeug's) if the route was added since the last map; never raises.

    Addons such as OCA's ``endpoint`` add to the map what their users define.
    """
    known = _routes.get(database)
    if known is not None and rule.rule not in known:
        learn(database, _rules(rule.map), ())


def _rules(routing_map):
    for rule in routing_map.iter_rules():
        yield rule.rule, rule.endpoint.routing


def shown(database, route):
    """Return the label value of a request that ``route`` (a pattern) answered: itself, or 'other'."""
    if database is None and None not in _routes:
        rules = nodb_rules()
        learn(None, ((url, endpoint.routing) for url, endpoint in rules), server_wide_modules())
        scrape_route.look(None, rules)
    if route in _shown.get(database, ()):
        return route
    if clock.now() >= _retry_at.get(database, 0.0) and route in _admit(database):
        return route
    if route in _routes.get(database, ()):
        LABELS_CAPPED.inc(label=ROUTE.name)
    return OTHER


def within(database, route, pattern, succeeded):
    """Return the label value of a request that ``route`` delegates to an application with its own routes.

    That is ``pattern`` (str) of the application's route up to the limit, else ``route``.

    :param bool succeeded: whether the answer is not an error: errors admit no pattern
    """
    if pattern in _shown.get(database, ()):
        return pattern
    known = _routes.setdefault(database, {UNMATCHED: (0, "")})
    if succeeded and (pattern not in known or clock.now() >= _retry_at.get(database, 0.0)):
        known[pattern] = (4, pattern)
        if pattern in _admit(database):
            return pattern
        LABELS_CAPPED.inc(label=ROUTE.name)
    return route


def is_page(database, route):
    """Return whether ``route`` (str) is a page that has series of its own among what browsers open."""
    return route in store.limits.admitted(database, UI_ROUTE)


def _admit(database):
    """Admit routes up to the limit; return the set of the admitted ones."""
    _retry_at[database] = clock.now() + _RETRY_SECONDS
    if database in _routes:
        store.limits.admit(database, ROUTE, _ordered(_routes[database]))
        store.limits.admit(database, UI_ROUTE, _ordered(_pages[database]), _PAGES_SHARE)
    _shown[database] = store.limits.admitted(database, ROUTE)
    return _shown[database]


def _ordered(routes):
    return sorted(routes, key=routes.get)
