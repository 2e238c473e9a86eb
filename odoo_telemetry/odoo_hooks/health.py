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

import psycopg2

from odoo import sql_db
from odoo.tools import config

from ..metrics import store
from .guard import guarded
from .http_layer import APPLICATION
from .patch import Patch
from .probe import find

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 1000


class Cached:
    """The result of ``check()`` (ok, failed or unknown), kept for ``seconds``; one thread asks at a time."""

    def __init__(self, check, seconds):
        self._check, self._seconds = check, seconds
        self._lock = threading.Lock()
        self.forget()

    def __call__(self):
        with self._lock:
            if time.monotonic() >= self._until:
                # what can't be looked at on this Odoo, or by the addon that declared it
                self._result = guarded(self._check)() or UNKNOWN
                self._until = time.monotonic() + self._seconds
            return self._result

    def forget(self):
        """Ask again at the next call."""
        self._until = 0.0


def query(database, statement, *parameters):
    """Return the rows of ``statement`` (SQL, with ``parameters``) in ``database`` (str), on a connection of its own.

    :raises psycopg2.Error: when the server does not answer in time
    """
    _name, parts = sql_db.connection_info_for(database)
    with (
        contextlib.closing(psycopg2.connect(**parts, connect_timeout=_CONNECT_SECONDS)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SET statement_timeout = {_STATEMENT_MILLISECONDS}; {statement}", parameters)
        return cursor.fetchall()


def measured():
    """Return the names of the measured databases that exist.

    :raises psycopg2.Error: when the server does not answer
    """
    names = list(store.databases.settings())
    return [name for (name,) in query("postgres", "SELECT datname FROM pg_database WHERE datname = ANY(%s)", names)]


def _database():
    """The server and every measured database answer."""
    try:
        for database in measured():
            query(database, "SELECT 1")
    except psycopg2.Error:
        return FAILED
    return OK


def _filestore():
    """The filestore of every measured database can be read and written; without one, the data directory can."""
    try:
        directories = [config.filestore(database) for database in measured()] or [config["data_dir"]]
    except psycopg2.Error:
        return UNKNOWN
    usable = all(os.access(directory, os.R_OK | os.W_OK | os.X_OK) for directory in directories)
    return OK if usable else FAILED


CHECKS = {"database": Cached(_database, 1.0), "filestore": Cached(_filestore, 1.0)}
"""By name; without these no request can be served."""
_SERVING = tuple(CHECKS)


def declare_check(name, check, seconds):
    """Add a check to readiness, of something that requests can be served without: "degraded" when it fails.

    :param str name: of the check in the answer
    :param check: function that returns ``OK``, ``FAILED`` or ``UNKNOWN``; it must not take longer than a second
    :param float seconds: how long its result is kept
    """
    CHECKS[name] = Cached(check, seconds)


def live():
    """Return (status line, answer) of liveness: this process answers; nothing else is touched."""
    return "200 OK", {"status": OK}


def ready():
    """Return (status line, answer) of readiness.

    Without database or filestore no request can be served: 'failed', 503. Without what other addons declare, some can:
    'degraded', 200. Without the database nothing else is looked at.
    """
    checks = dict.fromkeys(CHECKS, UNKNOWN)
    for name, check in CHECKS.items():
        checks[name] = check()
        if checks["database"] == FAILED:
            break
    if FAILED in map(checks.get, _SERVING):
        return "503 Service Unavailable", {"status": FAILED, "checks": checks}
    return "200 OK", {"status": "degraded" if FAILED in checks.values() else OK, "checks": checks}


_ANSWERS = {
    "/telemetry/health": ready,
    "/telemetry/health/live": live,
    "/telemetry/health/ready": ready,
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
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        start_response(status, headers)
        return [body] if environ["REQUEST_METHOD"] == "GET" else []

    return __call__


_PATCH = Patch(APPLICATION, _answered)


def install():
    """Answer probes."""
    find("odoo.sql_db:connection_info_for")
    _PATCH.install()


def uninstall():
    """Answer them no more."""
    _PATCH.uninstall()
