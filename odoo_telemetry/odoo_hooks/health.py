"""Liveness and readiness, for probes.

They are answered ahead of Odoo's routes. Before Odoo serves a route, it opens a cursor: that would block while
PostgreSQL hangs, and log a traceback at every probe while it is down.
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
from . import scrape_route
from .guard import guarded
from .http_layer import APPLICATION
from .patch import Patch
from .probe import find

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 1000
_MOST_ASKED = 10
"""Maximum number of databases that the checks ``database`` and ``filestore`` ask, each on its own connection.

That keeps them quick on a server with hundreds.
"""
_NEWEST = 1000
_NEWEST_FILE = """
SELECT FROM (SELECT store_fname FROM ir_attachment ORDER BY id DESC LIMIT %s) newest
 WHERE store_fname <> '' AND store_fname NOT LIKE '%%://%%' LIMIT 1
"""
"""Addons for object storage, such as OCA's ``fs_attachment``, write ``<store>://…`` where a file's name would be."""


class Cached:
    """The result of ``check()`` (ok, failed or unknown), cached for ``seconds``; one thread asks at a time."""

    def __init__(self, check, seconds):
        self._check, self._seconds = check, seconds
        self._lock = threading.Lock()
        self.forget()

    def __call__(self):
        with self._lock:
            if time.monotonic() >= self._until:
                # UNKNOWN if the check does not work on this Odoo, or raises
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


class Turns:
    """Round-robin over the databases: each check takes the next few, because each needs a connection."""

    def __init__(self):
        self._last = ""

    def take(self, databases):
        """Return at most ``_MOST_ASKED`` of ``databases`` (list of names), those after the last one that was taken."""
        databases = sorted(databases, key=lambda name: (name <= self._last, name))[:_MOST_ASKED]
        self._last = databases[-1] if databases else ""
        return databases


_turns = Turns()


def _database():
    """Check that PostgreSQL and the measured databases respond; of many databases, a few per check (round-robin)."""
    try:
        for database in _turns.take(measured()):
            query(database, "SELECT 1")
    except psycopg2.Error:
        return FAILED
    return OK


def _filestore():
    """Check that the filestore of every measured database is usable; without a database, the data directory."""
    try:
        databases = measured()
        if not databases:
            return OK if _is_usable(config["data_dir"]) else FAILED
        failing = [database for database in databases if not _is_usable(config.filestore(database))]
        return FAILED if any(map(_keeps_files, failing[:_MOST_ASKED])) else OK
    except psycopg2.Error:
        return UNKNOWN


def _is_usable(directory):
    """Return whether a directory can be read and written, or can be made: Odoo makes it with the first file in it."""
    while not os.path.lexists(directory):
        directory = os.path.dirname(directory)
    return os.path.isdir(directory) and os.access(directory, os.R_OK | os.W_OK | os.X_OK)


def _keeps_files(database):
    """Return whether the newest attachments are files; those in the database and in object storage need no filestore.

    :raises psycopg2.Error: when the server does not answer in time
    """
    return bool(query(database, _NEWEST_FILE, _NEWEST))


CHECKS = {"database": Cached(_database, 1.0), "filestore": Cached(_filestore, 1.0)}
"""{name: check}; without these two, no request can be served. :func:`declare_check` adds others."""
_SERVING = tuple(CHECKS)


def declare_check(name, check, seconds):
    """Add a readiness check of something that most requests do not depend on: "degraded" when it fails.

    :param str name: of the check in the answer
    :param check: function that returns ``OK``, ``FAILED`` or ``UNKNOWN``; it must not take longer than a second
    :param float seconds: how long its result is kept
    """
    CHECKS[name] = Cached(check, seconds)


def _scraped():
    """Check that no other addon serves ``/metrics``."""
    return FAILED if any(answers for _addon, answers in scrape_route.others()) else OK


declare_check("metrics", _scraped, seconds=1.0)


def live():
    """Return (status line, answer) of liveness: this process answers; nothing else is touched."""
    return "200 OK", {"status": OK}


def ready():
    """Return (status line, answer) of readiness.

    Without database or filestore no request can be served: 'failed', 503. If another check fails, some can: 'degraded',
    200. Without the database nothing else is looked at.
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
    """Stop answering probes."""
    _PATCH.uninstall()
