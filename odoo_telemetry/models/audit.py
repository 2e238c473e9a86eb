import logging
import time
from contextlib import contextmanager
from datetime import timedelta

from psycopg2.errors import LockNotAvailable, QueryCanceled, SerializationFailure

from odoo import SUPERUSER_ID, api, fields, models
from odoo.modules.registry import Registry

from ..compat import Constraint
from ..facts import rollup, triggers
from ..facts.rollup import BALANCE, BLOCK, BLOCK_BITS, ENTRY, HISTORY, NET, STEPS, TOTAL
from ..metrics import catalogue, store
from . import reading

_logger = logging.getLogger(__name__)

RUN_SECONDS = 1.0
"""Seconds that the audit takes of each minute: less than 2% of one CPU, however many rows there are."""
STEP_SECONDS = 0.1
"""How long a step should take: a transaction holds back vacuum while it lasts."""
STATEMENT_TIMEOUT_MILLISECONDS = 900
LOCK_TIMEOUT_MILLISECONDS = 500
"""No statement of the audit takes longer than a second."""
_TRANSIENT_ERRORS = (QueryCanceled, SerializationFailure, LockNotAvailable)
BEFORE = "before"
"""The sample that stores how many rows the ledger had before it was reopened."""
_TODAY = "date_trunc('day', now() AT TIME ZONE 'UTC')"


class Audit(models.Model):
    """The audit: for each fact, whether the rows are those of the ledger.

    It goes through the rows by ranges of ids, from the newest to the oldest, in many short transactions, and goes on
    where it was when it is interrupted. The first pass after an installation *opens* the ledger: what was there before
    is taken as it is.
    """

    _name = "telemetry.audit"
    _description = "Audit of the ledger"
    _log_access = False
    _order = "opened, completed_at, id"

    fact = fields.Char(required=True, readonly=True)
    definition = fields.Char(readonly=True, help="Identifies the definition of the fact.")
    opened = fields.Boolean(readonly=True, help="Whether all records from before the installation are in the ledger.")
    stale = fields.Boolean(readonly=True, help="Whether the existing records have to be added to the ledger again.")
    reopened = fields.Boolean(
        readonly=True, help="Whether the ledger already contained these records: then only new ones are counted."
    )
    blocks = fields.Integer(readonly=True, help="Number of blocks of ids in this pass.")
    position = fields.Integer(readonly=True, help="Number of blocks that are left.")
    found_missing = fields.Integer("Missing found", readonly=True)
    found_extra = fields.Integer("Extra found", readonly=True)
    missing = fields.Integer(readonly=True, help="Rows that are facts but missing in the ledger, in the last pass.")
    extra = fields.Integer(
        readonly=True, help="Rows that are in the ledger but no longer in the table, in the last pass."
    )
    completed_at = fields.Datetime("Completed at", readonly=True)

    _fact_unique = Constraint("unique (fact)", "A fact has one audit.")

    @api.model
    def _follow_facts(self, complete=False):
        """Begin the audit of facts that are new or whose definition has changed.

        :param bool complete: whether all addons are loaded: then facts that are not known are gone
        """
        known = {audit.fact: audit for audit in self.search([])}
        metrics = self.env["telemetry.ledger"]._facts()
        names = [metric.name for metric in metrics]
        self.env.cr.execute(f"SELECT DISTINCT metric FROM {TOTAL} WHERE metric = ANY(%s)", [names])
        counted = {name for (name,) in self.env.cr.fetchall()}
        for metric in metrics:
            audit, definition = known.pop(metric.name, None), repr(metric.rows)
            if audit is None:
                # what has totals already is opened again: its rows are not counted twice
                before = metric.name in counted
                self.create({"fact": metric.name, "definition": definition, "opened": before, "stale": before})
            elif audit.definition != definition:
                audit.write({"definition": definition, "stale": True})
        for audit in known.values() if complete else ():
            audit.unlink()

    @api.model
    def _opened(self):
        """Return the set of the names of the facts whose series are complete."""
        self.env.cr.execute(f"SELECT fact FROM {self._table} WHERE opened AND stale IS NOT TRUE")
        return {fact for (fact,) in self.env.cr.fetchall()}

    @api.model
    def _read(self):
        """Yield samples of what the audit has found so far."""
        audited = [metric.name for metric in self.env["telemetry.ledger"]._facts() if metric.is_audited]
        for audit in self.search([("fact", "in", audited)]):
            done = (audit.blocks - audit.position) / audit.blocks if audit.blocks else 0.0
            ended = audit.completed_at.timestamp() if audit.completed_at else 0.0
            yield catalogue.AUDIT_MISSING_ROWS.sample(audit.missing, fact=audit.fact)
            yield catalogue.AUDIT_EXTRA_ROWS.sample(audit.extra, fact=audit.fact)
            yield catalogue.AUDIT_PROGRESS.sample(done, fact=audit.fact)
            yield catalogue.AUDIT_COMPLETED.sample(ended, fact=audit.fact)

    # ------------------------------------------------------------------ what an administrator does

    def _accept(self):
        """Correct the ledger from the rows: missing ones are counted, extra ones are removed.

        It is for an administrator who knows the reason for a difference; see the runbook of
        TelemetryDisagreesWithDatabase.
        """
        self.filtered("opened").write({"stale": True, "missing": 0, "extra": 0})

    def _reopen(self):
        """Open the ledger of the facts again, without counting again what it has counted.

        Its transaction is the one that may write totals: a roll-up at the same time would add to what is set aside.
        """
        for audit in self:
            self.env.cr.execute(f"DELETE FROM {BALANCE} WHERE metric = %s", [audit.fact])
            self.env.cr.execute(f"DELETE FROM {HISTORY} WHERE metric = %s", [audit.fact])
            self.env.cr.execute(f"DELETE FROM {TOTAL} WHERE metric = %s AND sample = %s", [audit.fact, BEFORE])
            self.env.cr.execute(
                f"UPDATE {TOTAL} SET sample = %s WHERE metric = %s AND sample = %s", [BEFORE, audit.fact, NET]
            )
            audit.write({
                "stale": False, "reopened": audit.reopened or audit.opened, "opened": False, "blocks": 0, "position": 0,
            })  # fmt: skip

    # ------------------------------------------------------------------ what runs by itself

    @api.model
    def _cron_audit(self):
        """Roll up, delete what is too old, follow a renamed database, and continue the audit for a second."""
        # the job's own transaction would last as long as all of this
        self.env.cr.commit()  # pylint: disable=invalid-commit
        with Registry(self.env.cr.dbname).cursor() as cr:
            # however long the backlog is: a scrape leaves a long one to this job
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["telemetry.ledger"]._roll_up()
            env["telemetry.ledger"]._purge()
            env["telemetry.settings"]._follow_rename()
        self._run(RUN_SECONDS)
        if len(store.databases.settings()) > reading.MOST_LOADED:
            # possibly, no scraped worker has loaded this database
            reading.refresh(self.env.cr.dbname)

    @api.model
    def _run(self, seconds):
        """Go on with the audit for about ``seconds``, at most through all facts once; what is not open comes first."""
        ends = time.monotonic() + seconds
        with self._transaction() as env:
            names = [metric.name for metric in env["telemetry.ledger"]._facts()]
            loaded = env[self._name].search([("fact", "in", names)])
            audits = [(audit.fact, audit.opened and not audit.stale) for audit in loaded]
        for fact, opened in audits:
            blocks, complete = 4, False
            while not complete:
                begun = time.monotonic()
                if begun >= ends:
                    return
                try:
                    with self._transaction(writes=not opened) as env:
                        complete = env[self._name].search([("fact", "=", fact)])._step(blocks)
                except Exception as exception:
                    # what takes too long is tried once more with less; nothing keeps the other facts from being audited
                    if blocks == 1 or not isinstance(exception, _TRANSIENT_ERRORS):
                        store.errors.count("ledger", "the audit of %s does not advance: %s", fact, exception)
                        break
                    blocks = 1
                    continue
                taken = time.monotonic() - begun
                blocks = max(1, min(blocks * 2, int(blocks * STEP_SECONDS / taken)))

    @api.model
    @contextmanager
    def _transaction(self, writes=False):
        """Yield an environment in a transaction of its own, each of whose statements may take 0.9 s.

        :param bool writes: whether it writes totals, and waits until no other transaction does
        """
        with Registry(self.env.cr.dbname).cursor() as cr:
            timeouts = [STATEMENT_TIMEOUT_MILLISECONDS, LOCK_TIMEOUT_MILLISECONDS]
            cr.execute("SET LOCAL statement_timeout = %s; SET LOCAL lock_timeout = %s", timeouts)
            if writes:
                cr.execute(rollup.TAKE_LOCK, log_exceptions=False)
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _step(self, blocks):
        """Look at the next ``blocks`` blocks, and return whether that was the end of a pass."""
        self.ensure_one()
        if self.stale:
            self._reopen()
        metric = catalogue.METRICS[self.fact]
        rows = [rows for rows in metric.rows if not rows.starts]
        table = self.env["telemetry.ledger"]._table_of(rows[0].model)
        if not self.position:
            self._begin(table)
        first = max(self.position - blocks, 0)
        span = {"metric": self.fact, "first": first * BLOCK, "end": self.position * BLOCK}
        values = {"position": first}
        if self.opened:
            values.update(self._compare(rows, table, span))
        else:
            self._open(metric, rows, table, span)
            if rows[0].distinct and self._is_before_today(rows[0], table, span):
                values["position"] = 0
        if not values["position"]:
            values.update(self._complete(values))
        self.write(values)
        return not values["position"]

    def _begin(self, table):
        self.env.cr.execute(
            f'SELECT greatest((SELECT max(id) FROM "{table}") >> {BLOCK_BITS},'
            f" (SELECT max(block) FROM {BALANCE} WHERE metric = %s))",
            [self.fact],
        )
        blocks = (self.env.cr.fetchone()[0] or 0) + 1
        self.write({"blocks": blocks, "position": blocks, "found_missing": 0, "found_extra": 0})

    def _compare(self, rows, table, span):
        """Compare the blocks of ``span`` with the ledger, and return what is to be written of it."""
        if not catalogue.METRICS[self.fact].is_audited:
            return {"position": 0}
        found = {"found_missing": self.found_missing, "found_extra": self.found_extra}
        [source] = rows
        self.env.cr.execute(
            rollup.COMPARE.format(
                bits=BLOCK_BITS,
                mask=BLOCK - 1,
                table=table,
                balance=BALANCE,
                entry=ENTRY,
                condition=triggers.condition(source.domain, "t"),
            ),
            span,
        )
        for block, more in self.env.cr.fetchall():
            missing, extra = (max(more, 0), max(-more, 0)) if more else (1, 1)
            _logger.warning(
                "Ledger of %s: %d rows missing and %d extra among the ids %d to %d",
                self.fact,
                missing,
                extra,
                block * BLOCK,
                (block + 1) * BLOCK - 1,
            )
            found["found_missing"] += missing
            found["found_extra"] += extra
        return found

    def _open(self, metric, rows, table, span):
        """Take the blocks of ``span`` into the ledger as they were before it began."""
        ledger = self.env["telemetry.ledger"]
        metrics = {metric.name: metric}
        totals = ledger._totals(metrics, admit=True)
        for source in rows:
            within = "t.id >= %(first)s AND t.id < %(end)s"
            if source.distinct:
                within += f" AND t.{source.at[0]} >= {_TODAY}"
            selection = triggers.selection(metric, source, table, ledger._table_of, within)
            self.env.cr.execute(
                rollup.OPEN.format(entry=ENTRY, selection=selection, add_up=rollup.ADD_UP),
                {**span, **ledger._parameters(metrics), "touched": None if source.distinct else self.fact,
                 "since": fields.Datetime.now() - timedelta(seconds=max(STEPS.values()))},
            )  # fmt: skip
            effects = self.env.cr.fetchall()
            if self.reopened:
                # the totals are counted already: add only the current state, and the last week
                effects = [(*effect[:4], 0, *effect[5:7], None, *effect[8:]) for effect in effects]
            totals.add(effects)
        ledger._write_totals(totals)

    def _is_before_today(self, source, table, span):
        self.env.cr.execute(
            f'SELECT FROM "{table}" WHERE id >= %(first)s AND id < %(end)s AND {source.at[0]} < {_TODAY} LIMIT 1',
            span,
        )
        return bool(self.env.cr.rowcount)

    def _complete(self, values):
        """Return what is to be written at the end of a pass."""
        if self.opened:
            return {
                "missing": values.get("found_missing", 0), "extra": values.get("found_extra", 0),
                "completed_at": fields.Datetime.now(),
            }  # fmt: skip
        if self.reopened:
            self._count_difference()
        else:
            self._start_series()
        return {"opened": True, "completed_at": fields.Datetime.now()}

    def _count_difference(self):
        """Count the rows that the ledger did not know before it was opened again."""
        self.env.cr.execute(
            f"""
            UPDATE {TOTAL} t SET amount = t.amount + greatest(n.amount - coalesce(b.amount, 0), 0)
            FROM {TOTAL} n LEFT JOIN {TOTAL} b ON (b.metric, b.labels, b.sample) = (n.metric, n.labels, %(before)s)
            WHERE t.metric = %(metric)s AND t.sample = ''
                AND (n.metric, n.labels, n.sample) = (t.metric, t.labels, %(net)s);
            DELETE FROM {TOTAL} WHERE metric = %(metric)s AND sample = %(before)s
            """,
            {"metric": self.fact, "before": BEFORE, "net": NET},
        )

    def _start_series(self):
        """Initialize the series of existing records to 0, as is done for new ones."""
        metric = catalogue.METRICS[self.fact]
        ledger = self.env["telemetry.ledger"]
        for source in metric.rows:
            if source.starts:
                most = max(label.limit for label in metric.labels)
                table = ledger._table_of(source.model)
                newest = f'(SELECT id FROM "{table}" ORDER BY id DESC LIMIT {most})'
                selection = triggers.selection(metric, source, table, ledger._table_of, f"t.id IN {newest}")
                self.env.cr.execute(rollup.starting(selection))
