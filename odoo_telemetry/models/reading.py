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
from ..metrics.own import GROUP

_logger = logging.getLogger(__name__)

FRESH_SECONDS = 25.0
STATEMENT_TIMEOUT_MILLISECONDS = 2000
FACTS_TIMEOUT_MILLISECONDS = 5000
"""Long enough for some 100,000 entries; a longer backlog is rolled up by the scheduled action of each minute."""
OPEN_SECONDS = 1.0
_MODEL = "telemetry.reading"


class Reading(models.AbstractModel):
    """What is read from the database: facts at each scrape, other gauges now and then."""

    _name = "telemetry.reading"
    _description = "Telemetry's reading of the database"

    @api.model
    def _read_facts(self):
        """Return what :func:`.facts.publish` takes of what comes from the ledger, and whether all facts are open."""
        self.env.cr.execute("SET LOCAL statement_timeout = %s", [FACTS_TIMEOUT_MILLISECONDS])
        ledger = self.env["telemetry.ledger"]
        values, moment, complete = ledger._values()
        return (values, moment, complete), {metric.name for metric in ledger._facts()} <= set(complete)

    @api.model
    def _open_ledger(self):
        """Take what was there before the addon into the ledger, or a second's work of it."""
        self.env["telemetry.audit"]._run(OPEN_SECONDS)

    @api.model
    def _read_database(self):
        """Store the gauges that are counts in the database."""
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

        They are read every half minute at most, and within two seconds all together.
        """
        return ()

    @api.model
    def _start_at_zero(self):
        """Make series that are known before anything happens start at 0; addons add theirs.

        One that first appears at 1 hides that from ``rate()``.
        """
        exposition.start_at_zero(None)
        exposition.start_at_zero(self.env.cr.dbname)


def token_digests(database):
    """Return the list of the digests of the tokens that may scrape ``database`` (str) now, None if it can't be read."""
    return _read(database, "telemetry.settings", "_confirm_tokens", "settings")


def refresh(database, groups=exposition.GROUPS):
    """Read of ``database`` (str) what ``groups`` ask for; never raises.

    Facts are read each time. Other gauges are read if that was not done lately and no other worker is doing it; own
    metrics when ``groups`` has theirs: they may take longer than the others.
    """
    counted = {GROUP, *(metric.group for metric in catalogue.METRICS.values() if metric.rows)}
    if counted.intersection(groups) and not _publish_facts(database):
        _read(database, _MODEL, "_open_ledger", "ledger")
        _publish_facts(database)
    read_at = store.reader.sums().stamps.get((DATABASE_READ_DURATION.name, database, (), ""))
    _refresh(database, _MODEL, read_at, "database")
    if GROUP in groups:
        _refresh(database, "telemetry.own.reading", store.databases.own(database).read_at, "own_metric")


def _publish_facts(database):
    """Publish the facts of ``database`` as they are now; return whether all are, or they can't be read."""
    read = _read(database, _MODEL, "_read_facts", "ledger")
    if read is None:
        return True
    values, are_open = read
    try:
        # not before the transaction is committed: what is shown has to stay
        facts.publish(database, *values)
    except OSError as exception:
        store.errors.count("ledger", "the facts of %s can't be published: %s", database, exception)
    return are_open


def _refresh(database, model, read_at, reason):
    if read_at is not None and clock.age(read_at) < FRESH_SECONDS:
        return
    try:
        with _only_one(database, model):
            _read(database, model, "_read_database", reason)
    except BlockingIOError:
        return
    except OSError as exception:
        store.errors.count(reason, "%s can't be read: %s", database, exception)


def _read(database, model, method, reason):
    try:
        with Registry(database).cursor() as cr:
            return getattr(api.Environment(cr, api.SUPERUSER_ID, {})[model], method)()
    except Exception as exception:
        store.errors.count(reason, "%s can't be read: %s", database, exception)
        if _is_dropped(database):
            store.databases.withdraw(database)


def _is_dropped(database):
    """Return whether PostgreSQL answers, and has no ``database`` any more."""
    try:
        with db_connect("postgres").cursor() as cr:
            cr.execute("SELECT FROM pg_database WHERE datname = %s", [database])
            return not cr.rowcount
    except Exception:
        return False


@contextlib.contextmanager
def _only_one(database, model):
    path = store.directory.path / f"{model}-{quote(database, safe='')}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)
