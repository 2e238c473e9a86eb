import contextlib
import fcntl
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from odoo import api, fields, models
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect

from ..metrics import catalogue, exposition, facts, store
from ..metrics.exposition import CHECKED, DURATION
from ..metrics.own import GROUP

_logger = logging.getLogger(__name__)

FRESH_SECONDS = 25.0
STATEMENT_TIMEOUT_MILLISECONDS = 2000


class Reading(models.AbstractModel):
    """What is read from the database: gauges, and the rows that counters of facts must equal."""

    _name = "influencegen.telemetry.reading"
    _description = "Telemetry's reading of the database"

    @api.model
    def _read_database(self):
        """Read gauges and rows in one snapshot, store the gauges, and make good what was not counted."""
        begun, database = time.perf_counter(), self.env.cr.dbname
        self.env.cr.execute("SET LOCAL statement_timeout = %s", [STATEMENT_TIMEOUT_MILLISECONDS])
        gauges = list(self._gauges())
        rows = self._rows()
        exposition.start_at_zero(None)
        exposition.start_at_zero(database)
        self.env["influencegen.api"]._start_at_zero()
        self._repair(rows)
        for name, labels, value in gauges:
            store.set(name, value, labels, database)
        store.set(DURATION, time.perf_counter() - begun, database=database)

    @api.model
    def _repair(self, rows):
        """Count the facts among ``rows`` ({counter: {labels: number}}) that were not, and tell how many they were."""
        database = self.env.cr.dbname
        known = store.read()[0]
        for (name, labels), number in facts.missing(database, rows).items():
            store.inc(name, labels, number, database)
            if (CHECKED, database, (name,), "") in known:
                store.inc("influencegen_telemetry_facts_repaired_total", (name,), number, database)
                _logger.warning("Telemetry counted %d facts of %s that had been missed", number, name)
        for name, numbers in rows.items():
            store.set("influencegen_telemetry_fact_rows", sum(numbers.values()), (name,), database)
            store.set(CHECKED, time.time(), (name,), database)

    @api.model
    def _rows(self):
        """Return {counter: {labels: number of rows}} for all counters of facts in the catalogue."""
        return {
            metric.name: self._count_rows(metric.rows) for metric in catalogue.METRICS.values() if metric.rows
        }

    def _count_rows(self, sources):
        counts = {}
        for source in sources:
            paths = [label[1:] for label in source.labels if label.startswith(".")]
            model = self.env[source.model].sudo().with_context(active_test=False)
            for *values, number in model._read_group(list(source.domain), paths, ["__count"]):
                values = iter(values)
                labels = tuple(_text(next(values)) if label.startswith(".") else label for label in source.labels)
                counts[labels] = counts.get(labels, 0) + number
        return counts

    @api.model
    def _gauges(self):
        """Yield (name, labels, value) of the gauges that are counts in the database."""
        env = self.sudo().env
        influencers, kyc, images = env["influencegen.influencer"], env["influencegen.kyc"], env["influencegen.image"]
        yield "influencer_active", (), influencers.search_count([("state", "=", "active")])
        yield "ai_image_generation_pending", (), images.search_count([("state", "in", ("requested", "processing"))])
        yield from self._kyc_queue(kyc, "submitted", "submitted_at")
        yield from self._kyc_queue(kyc, "review", "review_requested_at")
        since = fields.Datetime.to_string(_utcnow() - timedelta(days=1))
        done = [("state", "=", "done"), ("finished_at", ">=", since)]
        for model, cost in images._read_group(done, ["model_id"], ["cost_usd:avg"]):
            yield "ai_image_generation_cost_per_image_usd", (model.code,), cost
        yield from self._daily_logins(env)

    def _kyc_queue(self, kyc, state, since):
        [(number, oldest)] = kyc._read_group([("state", "=", state)], [], ["__count", f"{since}:min"])
        yield "influencer_kyc_queue_length", (state,), number
        age = (_utcnow() - oldest).total_seconds() if oldest else 0.0
        yield "influencer_kyc_queue_oldest_age_seconds", (state,), age

    def _daily_logins(self, env):
        midnight = fields.Datetime.to_string(_utcnow().replace(hour=0, minute=0, second=0, microsecond=0))
        logins = env["res.users.log"]._read_group([("create_date", ">=", midnight)], ["create_uid"])
        seen = env["res.users"].with_context(active_test=False).browse(user.id for (user,) in logins)
        for role, number in env.registry.telemetry_roles.count(seen).items():
            yield "user_logins_daily_active_influencers", (role,), number


def refresh(database, groups=exposition.GROUPS):
    """Read ``database`` (str) if that was not done lately and no other worker is doing it; never raises.

    Own metrics are read when ``groups`` has theirs: they may take longer than the others.
    """
    _values, times = store.read()
    _refresh(database, "influencegen.telemetry.reading", times.get((DURATION, database, (), ""), 0.0), "database")
    if GROUP in groups:
        _refresh(database, "influencegen.telemetry.own.reading", store.own(database).read_at, "own_metric")


def _refresh(database, model, read_at, reason):
    if time.time() - read_at < FRESH_SECONDS:
        return
    try:
        with _only_one(database, model), Registry(database).cursor() as cr:
            env = api.Environment(cr, api.SUPERUSER_ID, {})
            env[model]._read_database()
    except BlockingIOError:
        return
    except Exception as exception:
        store.error(reason, "%s can't be read: %s", database, exception)
        if _is_dropped(database):
            store.withdraw(database)


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
    path = store.directory() / f"{model}-{quote(database, safe='')}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _text(value):
    return str(value.id) if isinstance(value, models.BaseModel) else str(value)


def _utcnow():
    return datetime.now(UTC).replace(tzinfo=None)
