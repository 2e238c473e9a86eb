from urllib.parse import urlsplit

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from odoo import SUPERUSER_ID, http
from odoo.http import request

from .. import intake, page_token
from ..metrics import clock, store
from ..metrics.catalogue import (
    BROWSER_BATCHES_REFUSED,
    BROWSER_ERROR,
    BROWSER_ERRORS,
    INTERACTION,
    UI_CUMULATIVE_LAYOUT_SHIFT,
    UI_INTERACTION_LATENCY,
    UI_INTERACTION_TO_NEXT_PAINT,
    UI_LARGEST_CONTENTFUL_PAINT,
    UI_PAGE_LOAD_TIME,
    UI_SOFT_CUMULATIVE_LAYOUT_SHIFT,
    UI_SOFT_INTERACTION_TO_NEXT_PAINT,
    UI_SOFT_LARGEST_CONTENTFUL_PAINT,
    internal_roles,
)
from ..metrics.labels import OTHER
from ..metrics.rate_limits import RateLimits
from ..odoo_hooks import routes

LARGEST_BATCH = 16 * 1024
MOST_VALUES = 100
LONGEST_SECONDS = 600
SESSION_PER_MINUTE = 300
CLIENT_PER_MINUTE = 3_000
ROLE_PER_MINUTE = 20_000
"""Values per minute: an active user sends some tens. Each role has its own limit, so that public users do not use up
that of the staff. An anonymous user can have any number of sessions, so values from one address are limited, too."""

_VITALS = {
    "lcp": UI_LARGEST_CONTENTFUL_PAINT,
    "inp": UI_INTERACTION_TO_NEXT_PAINT,
    "cls": UI_CUMULATIVE_LAYOUT_SHIFT,
}
_SOFT_VITALS = {
    "lcp": UI_SOFT_LARGEST_CONTENTFUL_PAINT,
    "inp": UI_SOFT_INTERACTION_TO_NEXT_PAINT,
    "cls": UI_SOFT_CUMULATIVE_LAYOUT_SHIFT,
}

_limits = None


class Refused(Exception):
    """A batch is refused.

    :param str reason: the label ``reason`` of the counter
    :param int status: of the answer
    :param str message: what is wrong with it
    """

    def __init__(self, reason, status, message):
        super().__init__(message)
        self.reason, self.status = reason, status


class Browser(http.Controller):
    @http.route(
        "/telemetry/browser",
        type="telemetry",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=True,
    )
    def browser(self):
        """Accept a batch of measurements of a page: a JSON object with its ``token`` and its ``values``.

        A value is a list (kind, name, number). Answers 204, or the reason why the whole batch was refused.
        """
        try:
            for take, value, labels in self._observations():
                take(value, database=request.db, **labels)
        except Refused as refused:
            BROWSER_BATCHES_REFUSED.inc(reason=refused.reason)
            return request.make_response(
                f"{refused}.\n", headers=[("Content-Type", "text/plain; charset=utf-8")], status=refused.status
            )
        return request.make_response("", status=204)

    def _observations(self):
        """Return a list of (function of a metric, value, labels) of the request's batch; raises Refused."""
        settings = store.databases.settings().get(request.db)
        if not settings or not settings.browser_sample_percent:
            raise Refused("off", 403, "Browser measurements are disabled")
        if not _is_same_origin(request.httprequest):
            raise Refused("origin", 403, "Measurements are accepted only from Odoo's own pages")
        try:
            batch = intake.read(LARGEST_BATCH)
            token, values = batch["token"], batch["values"]
        except RequestEntityTooLarge as error:
            raise Refused("size", 413, f"The batch is larger than {LARGEST_BATCH} bytes") from error
        except (BadRequest, KeyError) as error:
            raise Refused("malformed", 400, "The batch must be a JSON object with a token and values") from error
        try:
            route, role = page_token.page(token)
        except (ValueError, TypeError, AttributeError) as error:
            raise Refused("token", 403, "The token is not of this session, or has expired") from error
        if not isinstance(values, list) or len(values) > MOST_VALUES:
            raise Refused("malformed", 400, f"The values must be a list of at most {MOST_VALUES}")
        observations = [_observation(value, route, role) for value in values]
        if not _may_send(role, len(values)):
            raise Refused("rate", 429, "There were too many values within this minute")
        return observations


def _is_same_origin(httprequest):
    site = httprequest.headers.get("Sec-Fetch-Site")
    if site:
        return site == "same-origin"
    try:
        return urlsplit(httprequest.headers.get("Origin", "")).netloc == httprequest.host
    except ValueError:
        return False


def _observation(value, route, role):
    """Return (function of a metric, number, labels) for one ``value`` of a batch; raises Refused."""
    match value:
        case [_, _, bool()]:
            pass
        case [str(kind), str(name), int(number) | float(number)] if 0 <= number <= LONGEST_SECONDS:
            if kind == "page":
                return UI_PAGE_LOAD_TIME.observe, number, {"route": _page(route, role), "user_role": role}
            if kind == "error" and name in BROWSER_ERROR.values and number == 1:
                return BROWSER_ERRORS.inc, number, {"route": _page(route, role), "user_role": role, "kind": name}
            if kind == "action":
                return UI_PAGE_LOAD_TIME.observe, number, {"route": _action(name, role), "user_role": role}
            if kind == "interaction" and name in INTERACTION.values:
                return UI_INTERACTION_LATENCY.observe, number, {"interaction_name": name, "user_role": role}
            if kind in _VITALS and name == "soft":
                return _SOFT_VITALS[kind].observe, number, {}
            if kind in _VITALS:
                return _VITALS[kind].observe, number, {"user_role": role}
    raise Refused("malformed", 400, f"A value must be a measurement of at most {LONGEST_SECONDS} s")


def _page(route, role):
    """Return the route of a page as a label; for users without the web client, an unknown route is 'other'."""
    return route if role in internal_roles() or routes.is_page(request.db, route) else OTHER


def _action(name, role):
    """Return the route of an opened action, ``<external id or model>/<view>``, if Odoo knows it, else 'other'."""
    env = request.env(user=SUPERUSER_ID)
    action, _, view = name.partition("/")
    known = action in env["ir.actions.actions"]._telemetry_external_ids() or action in env
    if role not in internal_roles() or not known:
        return OTHER
    if not view:
        return action
    views = env["ir.actions.act_window.view"]._fields["view_mode"].get_values(env)
    return f"{action}/{view}" if view in views else OTHER


def _may_send(role, number):
    """Return whether the session and its role may send so many more values; if so, count them."""
    global _limits
    try:
        if _limits is None or _limits.lost():
            _limits = RateLimits(store.directory.path / "browser-rate-limits")
        # the token is signed for this part of the session id only: a client could vary the rest
        senders = [(request.session.sid[: page_token.STABLE_BYTES], SESSION_PER_MINUTE), (role, ROLE_PER_MINUTE)]
        if not request.session.uid:
            senders.append((intake.client(request.httprequest.remote_addr), CLIENT_PER_MINUTE))
        now = int(clock.now())
        return all(_limits.take(f"{request.db} {sender}", number, most, now) for sender, most in senders)
    except OSError as exception:
        store.errors.count("disk", "measurements of browsers are not stored: %s", exception)
        return False
