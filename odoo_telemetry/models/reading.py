import contextlib
import fcntl
import logging
import os
import time
from urllib.parse import quote

from odoo import api, models
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect

from ..metrics import catalogue, clock, exposition, facts, store
from ..metrics.catalogue import DATABASE_READ_DURATION
from ..metrics.custom import GROUP
from ..odoo_hooks.caches import snapshot

_logger = logging.getLogger(__name__)

FRESH_SECONDS = 25.0
STATEMENT_TIMEOUT_MILLISECONDS = 2000
FACTS_TIMEOUT_MILLISECONDS = 5000
"""Enough for some 100,000 entries; the scheduled action of each minute rolls up a longer backlog."""
OPEN_SECONDS = 1.0
SCRAPE_SECONDS = 4.0
"""Time limit for reading databases at a scrape if there are more than ``MOST_LOADED``, which take turns.

Prometheus waits for 10 s by default.
"""
MOST_LOADED = 10
"""A scrape loads no further database into a process that has so many: each takes 15 to 30 MB of memory."""
_MODEL = "telemetry.reading"
_begun = {}
"""{database: when this process last began to read it for a scrape}."""


class Reading(models.AbstractModel):
    """Values that are read from the database: facts at each scrape, other gauges at most every 25 s."""

    _name = "telemetry.reading"
    _description = "Telemetry's reading of the database"

    @api.model
    def _read_facts(self):
        """Return (the arguments of :func:`.facts.publish` that follow ``database``, whether the ledger is complete).

        It is once it contains the records from before the installation, of all facts.
        """
        self.env.cr.execute("SET LOCAL statement_timeout = %s", [FACTS_TIMEOUT_MILLISECONDS])
        ledger = self.env["telemetry.ledger"]
        values, moment, complete = ledger._values()
        return (values, moment, complete), {metric.name for metric in ledger._facts()} <= set(complete)

    @api.model
    def _open_ledger(self):
        """Add the records from before the addon to the ledger, for at most a second."""
        self.env["telemetry.audit"]._run(OPEN_SECONDS)

    @api.model
    def _read_database(self):
        """Read the gauges from the database, and store them."""
        begun, database = time.perf_counter(), self.env.cr.dbname
        self.env.cr.execute("SET LOCAL statement_timeout = %s", [STATEMENT_TIMEOUT_MILLISECONDS])
        gauges = [*self._gauges(), *self.env["telemetry.audit"]._read()]
        self._start_at_zero()
        for gauge, value, labels in gauges:
            gauge.set(value, database=database, **labels)
        DATABASE_READ_DURATION.set(time.perf_counter() - begun, database=database)

    @api.model
    def _gauges(self):
        """Return an iterable of samples of gauges that are read from the database; addons add theirs.

        ``GAUGE.sample(value, label=…)`` makes one.

        They are read at most every 25 s; each statement may take 2 s.
        """
        return [sample for model in self._background() for sample in self._sampled(model)]

    @api.model
    def _background(self):
        """Return the names of the models that read what Odoo does in the background."""
        return ["telemetry.cron", "telemetry.mail.queue", "telemetry.queue.job"]

    @api.model
    def _sampled(self, model):
        """Return the list of the samples that ``model`` (name) reads; none if it fails: others are still read."""
        try:
            with self.env.cr.savepoint(flush=False):
                return list(self.env[model]._gauges())
        except Exception as exception:
            store.errors.count("database", "%s can't be read in %s: %s", model, self.env.cr.dbname, exception)
            return []

    @api.model
    def _start_at_zero(self):
        """Initialize series whose labels are known in advance to 0; addons add theirs.

        A series that appears with 1 hides its first event from ``rate()``.
        """
        exposition.start_at_zero(None)
        exposition.start_at_zero(self.env.cr.dbname)


def token_digests(database):
    """Return the list of the digests of the tokens that may scrape ``database`` (str) now, None if it can't be read."""
    return _read(database, "telemetry.settings", "_confirm_tokens", "settings")


def refresh_all(databases, groups):
    """Read the values of ``databases`` (list of str) that ``groups`` contain; never raises.

    With many databases, it stops when its time is up. Databases that this process has loaded come first, the one that
    was read longest ago at the front. Others are loaded only while few are loaded; their own scheduled action reads
    them where it runs.
    """
    ends = time.monotonic() + SCRAPE_SECONDS
    loaded = snapshot(Registry.registries)
    for database in sorted(databases, key=lambda name: (name not in loaded, _begun.get(name, 0.0))):
        if database in loaded or len(snapshot(Registry.registries)) < MOST_LOADED:
            _begun[database] = time.monotonic()
            refresh(database, groups)
        if len(databases) > MOST_LOADED and time.monotonic() > ends:
            break
    if len(databases) > MOST_LOADED:
        for database in _missing(databases):
            store.databases.withdraw(database)


def refresh(database, groups=exposition.GROUPS):
    """Read the values of ``database`` (str) that ``groups`` contain; never raises.

    Facts are read each time. Other gauges are read if that was not done lately and no other worker is doing it; custom
    metrics when ``groups`` has theirs: they may take longer than the others.
    """
    counted = {GROUP, *(metric.group for metric in catalogue.METRICS.values() if metric.rows)}
    if counted.intersection(groups) and not _publish_facts(database):
        _read(database, _MODEL, "_open_ledger", "ledger")
        _publish_facts(database)
    read_at = store.reader.sums().stamps.get((DATABASE_READ_DURATION.name, database, (), ""))
    _refresh(database, _MODEL, read_at, "database")
    if GROUP in groups:
        _refresh(database, "telemetry.own.reading", store.databases.custom(database).read_at, "custom_metric")


def _publish_facts(database):
    """Publish the facts of ``database`` as they are now.

    Return False if the ledger still lacks records from before the installation.
    """
    read = _read(database, _MODEL, "_read_facts", "ledger")
    if read is None:
        return True
    values, complete = read
    try:
        # not before the transaction is committed: what is shown has to stay
        facts.publish(database, *values)
    except OSError as exception:
        store.errors.count("ledger", "the facts of %s can't be published: %s", database, exception)
    return complete


def _refresh(database, model, read_at, reason):
    if read_at is not None and clock.age(read_at) < FRESH_SECONDS:
        return
    try:
        with _only_one(database, model):
            _read(database, model, "_read_database", reason)
    except BlockingIOError:
        return
    except OSError as exception:
        store.errors.count(reason, "the database %s can't be read: %s", database, exception)


def _read(database, model, method, reason):
    try:
        with Registry(database).cursor() as cr:
            return getattr(api.Environment(cr, api.SUPERUSER_ID, {})[model], method)()
    except Exception as exception:
        store.errors.count(reason, "the database %s can't be read: %s", database, exception)
        if _missing([database]):
            store.databases.withdraw(database)


def _missing(databases):
    """Return the set of those of ``databases`` (list) that PostgreSQL does not have any more; none if it is silent."""
    try:
        with db_connect("postgres").cursor() as cr:
            cr.execute("SELECT datname FROM pg_database WHERE datname = ANY(%s)", [databases])
            return {*databases}.difference(name for (name,) in cr.fetchall())
    except Exception:
        return set()


@contextlib.contextmanager
def _only_one(database, model):
    path = store.directory.path / f"{model}-{quote(database, safe='')}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)
