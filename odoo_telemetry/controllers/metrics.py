import hmac

from werkzeug.exceptions import NotAcceptable

from odoo import http
from odoo.http import request

from ..metrics import exposition, store
from ..metrics.settings import digest
from ..models import reading
from ..publication import publish_loaded


class Metrics(http.Controller):
    @http.route("/metrics", type="telemetry", auth="none", methods=["GET"], save_session=False, readonly=False)
    def metrics(self):
        """Answer a scrape: the values of all workers, of the databases that the token opens.

        ``name[]`` restricts it to the named series, ``group[]`` to the named groups (fast, system, business).
        """
        publish_loaded()
        databases = self._opened_databases()
        if not databases:
            store.errors.count("unauthorized", "a scrape without a valid token was refused")
            return request.make_response(
                "A scrape token is needed: send it as 'Authorization: Bearer <token>'. "
                "An administrator makes one in Settings, Telemetry.\n",
                headers=[("Content-Type", "text/plain; charset=utf-8"), ("WWW-Authenticate", "Bearer")],
                status=401,
            )
        groups = request.httprequest.args.getlist("group[]") or exposition.GROUPS
        unknown = sorted(set(groups) - set(exposition.GROUPS))
        if unknown:
            return request.make_response(
                f"There is no group {', '.join(unknown)}; the groups are {', '.join(exposition.GROUPS)}.\n",
                headers=[("Content-Type", "text/plain; charset=utf-8")],
                status=400,
            )
        for database, can_be_read in databases.items():
            if can_be_read:
                reading.refresh(database, groups)
        # the whole answer is about the databases that are published now: a reading withdraws one that was dropped
        published = store.databases.settings()
        databases = {name: published[name] for name in databases if name in published}
        headers = request.httprequest.headers
        families = exposition.Families(databases, groups, request.httprequest.args.getlist("name[]"))
        try:
            body, answer = exposition.encode(families, headers.get("Accept", ""), headers.get("Accept-Encoding", ""))
        except ValueError as error:
            raise NotAcceptable(str(error)) from error
        return request.make_response(body, headers=[*answer.items(), ("Vary", "Accept, Accept-Encoding")])

    def _opened_databases(self):
        """Return {name: whether it can be read} of the databases that the request's token opens.

        What is published may be of a database that had the name before, or revoked with SQL: so each is asked. One that
        can't be asked is shown as it was published, and not read.
        """
        scheme, _, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return {}
        given, opened = digest(token.strip()), {}
        for name, settings in store.databases.settings().items():
            if _is_among(given, settings.token_digests):
                valid = reading.token_digests(name)
                if valid is None or _is_among(given, valid):
                    opened[name] = valid is not None
        return opened


def _is_among(given, digests):
    return any([hmac.compare_digest(given, known) for known in digests])  # noqa: C419
