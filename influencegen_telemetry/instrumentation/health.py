"""Liveness and readiness, for probes.

They are answered ahead of Odoo's routes: before a route is served Odoo opens the registry's cursor, which a server that
hangs would hold up, and which logs a traceback at every probe while PostgreSQL is down.
"""

import contextlib
import functools
import json
import os
import threading
import time
from urllib.parse import urljoin

import psycopg2
import requests

from odoo import http, sql_db
from odoo.tools import config

from ..metrics import store
from .patch import Patch

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 1000
_N8N_SECONDS = 1.0
_WEBHOOK_PARAMETER = "influencegen.n8n_webhook_url"


class Cached:
    """The result of ``check()`` (ok, failed or unknown), kept for ``seconds``; one thread asks at a time."""

    def __init__(self, check, seconds):
        self._check, self._seconds = check, seconds
        self._lock = threading.Lock()
        self.forget()

    def __call__(self):
        with self._lock:
            if time.monotonic() >= self._until:
                self._result = self._check()
                self._until = time.monotonic() + self._seconds
            return self._result

    def forget(self):
        """Ask again at the next call."""
        self._until = 0.0


def _query(database, statement, *parameters):
    _name, parts = sql_db.connection_info_for(database)
    with (
        contextlib.closing(psycopg2.connect(**parts, connect_timeout=_CONNECT_SECONDS)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET statement_timeout = {_STATEMENT_MILLISECONDS}; {statement}", parameters)
        return cursor.fetchall()


def _measured():
    """Return the names of the measured databases that exist.

    :raises psycopg2.Error: when the server does not answer
    """
    names = list(store.databases())
    return [name for (name,) in _query("postgres", "SELECT datname FROM pg_database WHERE datname = ANY(%s)", names)]


def _database():
    """The server and every measured database answer."""
    try:
        for database in _measured():
            _query(database, "SELECT 1")
    except psycopg2.Error:
        return FAILED
    return OK


def _filestore():
    """The filestore of every measured database can be read and written; without one, the data directory can."""
    try:
        directories = [config.filestore(database) for database in _measured()] or [config["data_dir"]]
    except psycopg2.Error:
        return UNKNOWN
    usable = all(os.access(directory, os.R_OK | os.W_OK | os.X_OK) for directory in directories)
    return OK if usable else FAILED


def _n8n():
    """The n8n that each measured database sends its webhooks to answers; unknown if there is none, or can't be read."""
    statement = "SELECT value FROM ir_config_parameter WHERE key = %s"
    try:
        urls = {url for database in _measured() for (url,) in _query(database, statement, _WEBHOOK_PARAMETER) if url}
    except psycopg2.Error:
        return UNKNOWN
    if not urls:
        return UNKNOWN
    return OK if all(map(_answers, urls)) else FAILED


def _answers(url):
    try:
        with requests.get(
            urljoin(url, "/healthz"), timeout=_N8N_SECONDS, allow_redirects=False, stream=True
        ) as response:
            return response.status_code < 500
    except requests.RequestException:
        return False


CHECKS = {"database": Cached(_database, 1.0), "filestore": Cached(_filestore, 1.0), "n8n": Cached(_n8n, 15.0)}


def live():
    """Return (status line, answer) of liveness: this process answers; nothing else is touched."""
    return "200 OK", {"status": OK}


def ready():
    """Return (status line, answer) of readiness.

    Without database or filestore no request can be served: 'failed', 503. Without n8n all but AI images can:
    'degraded', 200. Without the database nothing else is looked at.
    """
    checks = dict.fromkeys(CHECKS, UNKNOWN)
    for name, check in CHECKS.items():
        checks[name] = check()
        if checks["database"] == FAILED:
            break
    if FAILED in (checks["database"], checks["filestore"]):
        return "503 Service Unavailable", {"status": FAILED, "checks": checks}
    return "200 OK", {"status": "degraded" if checks["n8n"] == FAILED else OK, "checks": checks}


_ANSWERS = {
    "/influencegen/health": ready,
    "/influencegen/health/live": live,
    "/influencegen/health/ready": ready,
}


def _answered(application_call):
    @functools.wraps(application_call)
    def __call__(self, environ, start_response):
        answer = _ANSWERS.get(environ["PATH_INFO"])
        if answer is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return application_call(self, environ, start_response)
        status, content = answer()
        body = json.dumps(content).encode()
        headers = [
            ("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")
        ]
        start_response(status, headers)
        return [body] if environ["REQUEST_METHOD"] == "GET" else []

    return __call__


_PATCH = Patch(http.Application, "__call__", _answered)


def install():
    """Answer probes."""
    _PATCH.install()


def uninstall():
    """Answer them no more."""
    _PATCH.uninstall()
