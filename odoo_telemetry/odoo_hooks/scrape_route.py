"""Which addon answers ``/metrics``: another exporter may have that route, too, and Odoo serves one of them."""

from ..metrics import store

PATHS = PATH, OWN_PATH = "/metrics", "/telemetry/metrics"
"""Where a scrape is answered. Exporters agree on the first; the second is this addon's alone."""
TYPE = "telemetry"
"""What Odoo calls the ``type`` of this addon's routes."""

_others = {}
"""{database, or None for what is served without one: (other addon with that route, whether it answers), or None}."""


def look(database, rules):
    """Note whether another addon has a route ``PATH``; log and count it when that is new. Never raises.

    :param database: name, or None for what is served without one
    :param rules: iterable of (URL pattern, endpoint) in the order in which Odoo looks at them
    """
    try:
        endpoints = [endpoint for url, endpoint in rules if url == PATH and _answers_get(endpoint.routing)]
        others = [endpoint for endpoint in endpoints if endpoint.routing.get("type") != TYPE]
        found = (_addon(others[0]), others[0] is endpoints[0]) if others else None
        if found and _others.get(database) != found:
            _report(database, *found)
        _others[database] = found
    except Exception as exception:
        message = "the route of %s (database: %s) can't be looked up: %s"
        store.errors.count("instrumentation", message, PATH, database or "none", exception)


def others():
    """Return the sorted list of (addon, whether it answers) of the other addons with a route ``PATH``."""
    return sorted(set(filter(None, _others.values())))


def _report(database, addon, answers):
    if answers:
        message = "%s (database: %s) is served by the addon %s, not by telemetry: scrape %s instead"
    else:
        message = "%s (database: %s) is served by telemetry, not by the addon %s; telemetry serves %s too"
    store.errors.count("route", message, PATH, database or "none", addon, OWN_PATH)


def _answers_get(routing):
    return "GET" in (routing.get("methods") or ("GET",))


def _addon(endpoint):
    package = endpoint.__module__.split(".")
    return package[2] if package[:2] == ["odoo", "addons"] else package[0]
