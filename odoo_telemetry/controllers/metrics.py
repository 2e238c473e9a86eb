from werkzeug.exceptions import NotAcceptable

from odoo import http
from odoo.http import request
from odoo.tools import str2bool

from ..metrics import exposition, store
from ..metrics.server_tokens import is_among
from ..metrics.settings import digest
from ..models import reading
from ..odoo_hooks import scrape_route
from ..publication import publish_loaded


class Metrics(http.Controller):
    @http.route(
        list(scrape_route.PATHS),
        type=scrape_route.TYPE,
        auth="none",
        methods=["GET"],
        save_session=False,
        readonly=False,
    )
    def metrics(self):
        """Answer a scrape: the values of all workers, of the databases that the token opens.

        ``name[]`` restricts it to the named series, ``group[]`` to the named groups (fast, system, business). With
        ``created=true``, OpenMetrics also contains the creation time of the series of counters and histograms.
        """
        publish_loaded()
        databases = self._opened_databases()
        if databases is None:
            store.errors.count("unauthorized", "a scrape without a valid token was refused")
            return request.make_response(
                "A scrape token is needed: send it as 'Authorization: Bearer <token>'. "
                "Generate one in Settings, Telemetry, or set odoo_telemetry_token in odoo.conf for the whole server.\n",
                headers=[("Content-Type", "text/plain; charset=utf-8"), ("WWW-Authenticate", "Bearer")],
                status=401,
            )
        groups = request.httprequest.args.getlist("group[]") or exposition.GROUPS
        unknown = sorted(set(groups) - set(exposition.GROUPS))
        if unknown:
            return request.make_response(
                f"Unknown group {', '.join(unknown)}; the groups are {', '.join(exposition.GROUPS)}.\n",
                headers=[("Content-Type", "text/plain; charset=utf-8")],
                status=400,
            )
        reading.refresh_all([database for database, can_be_read in databases.items() if can_be_read], groups)
        # the whole answer is about the databases that are published now: a reading withdraws one that was dropped
        published = store.databases.settings()
        databases = {name: published[name] for name in databases if name in published}
        headers, arguments = request.httprequest.headers, request.httprequest.args
        created = str2bool(arguments.get("created", ""), False)
        families = exposition.Families(databases, groups, arguments.getlist("name[]"), created)
        try:
            body, answer = exposition.encode(families, headers.get("Accept", ""), headers.get("Accept-Encoding", ""))
        except ValueError as error:
            raise NotAcceptable(str(error)) from error
        return request.make_response(body, headers=[*answer.items(), ("Vary", "Accept, Accept-Encoding")])

    def _opened_databases(self):
        """Return {name: whether it can be read} of the databases that the request's token is valid for, None if none.

        The server's token is valid for all of them, even if there is none yet. A database's own token is looked up in
        the database: the published one may be of an earlier database of that name, or revoked with SQL. A database that
        does not respond is exported as published, and not read.
        """
        scheme, _, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        given, opened, published = digest(token.strip()), {}, store.databases.settings()
        if is_among(given, store.server_tokens.digests()):
            return dict.fromkeys(published, True)
        for name, settings in published.items():
            if is_among(given, settings.token_digests):
                valid = reading.token_digests(name)
                if valid is None or is_among(given, valid):
                    opened[name] = valid is not None
        return opened or None
