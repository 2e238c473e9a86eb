"""What a page is told so that it may send its measurements, and what the server then knows of that page.

The token holds the route and the user's role, so that no browser can make them up. It is signed with the database's
secret for the session, and ends after some hours: by the clock of the machine that made it, which nobody sets, or, for
another machine or after a restart, by the time of day.
"""

import time

from odoo import SUPERUSER_ID
from odoo.http import request
from odoo.tools.misc import hash_sign, verify_hash_signed

from .metrics import clock, store
from .odoo_hooks import roles
from .odoo_hooks.routes import UNMATCHED

VALID_HOURS = 12
"""A tab that stays open longer is measured no more until it loads a page again."""

_SKEW_SECONDS = 300
"""So much the times of day of two machines may differ."""

STABLE_BYTES = 42
"""So much of a session's id stays when 19.0 rotates it; also all that may not be guessed."""

_BOOT = clock.boot()


def told():
    """Return what is added to the session info of the page that is rendered now: nothing if it is not measured."""
    try:
        settings = store.databases.settings().get(request.db)
        if not settings or not settings.browser_sample_percent:
            return {}
        route = getattr(request, "telemetry_route", UNMATCHED)
        role = roles.role(request.env.registry, request.session.uid)
        return {
            "odoo_telemetry": {
                "token": hash_sign(*_signature(), [route, role, _end()]),
                "valid_seconds": VALID_HOURS * 3600,
                "sample_percent": settings.browser_sample_percent,
            }
        }
    except Exception as exception:
        store.errors.count("settings", "a page is not measured: %s", exception)
        return {}


def page(token):
    """Return (route, role) of the page that ``token`` (str) was made for.

    :raises ValueError: when it was made for another session or database, has ended, or is none.
    """
    known = verify_hash_signed(*_signature(), token)
    if known is None:
        raise ValueError("the token is of another session")
    route, role, (boot, moment, time_of_day) = known
    # one that lasts longer than any was made by a clock that was set since
    longest = VALID_HOURS * 3600
    if boot and boot == _BOOT:
        valid = 0 < moment - clock.now() <= longest
    else:
        valid = 0 < time_of_day - time.time() <= longest + _SKEW_SECONDS
    if not valid:
        raise ValueError("the token has ended")
    return route, role


def _end():
    """Return when a token ends that is made now: this run of the machine, by its clock, and the time of day."""
    valid = VALID_HOURS * 3600
    return [_BOOT, clock.now() + valid, time.time() + valid]


def _signature():
    """Return the environment and the scope of the present session's tokens."""
    return request.env(user=SUPERUSER_ID), f"odoo_telemetry.page {request.session.sid[:STABLE_BYTES]}"
