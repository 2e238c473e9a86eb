"""The token with which a page sends its measurements, and from which the server knows its route and role.

The token holds the route and the user's role, so that no browser can make them up. It is signed with the database's
secret for the session, and expires after some hours: by the monotonic clock of the machine that made it or, on another
machine or after a reboot, by the time of day.
"""

import time

from odoo import SUPERUSER_ID
from odoo.http import request
from odoo.tools.misc import hash_sign, verify_hash_signed

from .metrics import clock, store
from .odoo_hooks import roles
from .odoo_hooks.routes import UNMATCHED

VALID_HOURS = 12
"""Lifetime: a tab that stays open longer is not measured until it loads a page again."""

_SKEW_SECONDS = 300
"""Maximum clock difference between two machines."""

STABLE_BYTES = 42
"""Characters of a session id that stay when 19.0 rotates it, enough to be unguessable."""

_BOOT = clock.boot()


def session_info():
    """Return what is added to the session info of the page that is being rendered: nothing if it is not measured."""
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

    :raises ValueError: when it is malformed, expired, or of another session or database.
    """
    known = verify_hash_signed(*_signature(), token)
    if known is None:
        raise ValueError("the token is of another session")
    route, role, (boot, moment, time_of_day) = known
    # an expiry beyond the maximum means that the clock was set back since
    longest = VALID_HOURS * 3600
    if boot and boot == _BOOT:
        valid = 0 < moment - clock.now() <= longest
    else:
        valid = 0 < time_of_day - time.time() <= longest + _SKEW_SECONDS
    if not valid:
        raise ValueError("the token has expired")
    return route, role


def _end():
    """Return the expiry of a token that is made now: the boot, the monotonic time and the time of day."""
    valid = VALID_HOURS * 3600
    return [_BOOT, clock.now() + valid, time.time() + valid]


def _signature():
    """Return the environment and the scope of the present session's tokens."""
    return request.env(user=SUPERUSER_ID), f"odoo_telemetry.page {request.session.sid[:STABLE_BYTES]}"
