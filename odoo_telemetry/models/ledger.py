import json
import time

from psycopg2.errors import LockNotAvailable

from odoo import api, models
from odoo.tools import SQL, create_index

from ..facts import rollup, triggers
from ..facts.rollup import BALANCE, HISTORY, LOGIN, LOOK, MOVE, STEPS, TOTAL, Totals
from ..metrics import facts, store
from ..metrics.catalogue import FACTS_CARRIED_OVER, LABELS_CAPPED, LEDGER_BACKLOG
from .custom_query import series_name

_DAY = 86_400
_COUNT_ENTRIES = f"""
SELECT count(*), extract(epoch FROM clock_timestamp())::float8 FROM (SELECT FROM {rollup.ENTRY} LIMIT 100000) AS entries
"""
"""Limits the count: a longer backlog is shown as 100,000."""


class Ledger(models.AbstractModel):
    """The ledger of facts, in tables of its own: entries that triggers write, and the totals that they add up to.

    One transaction at a time writes totals. Others read the totals and the entries that are left, in one snapshot.
    """

    _name = "telemetry.ledger"
    _description = "Ledger of facts"

    # ------------------------------------------------------------------ tables and triggers

    def init(self):
        """Make the tables, and put the triggers of the facts that are known so far in place.

        An addon that inherits this model is installed or upgraded after this one.
        """
        super().init()
        self.env.cr.execute(rollup.SCHEMA)
        self._put_triggers(self._facts())
        for name, (table, expression) in triggers.indexes(self._facts(), self._table_of).items():
            create_index(self.env.cr, name, table, [expression])

    @api.model
    def _facts(self):
        """Return the list of the metrics of facts of this database; an addon that declares some adds them."""
        return []

    @api.model
    def _put_triggers(self, metrics):
        """Put the triggers of ``metrics`` in place, unless they are; return the names of their functions."""
        wanted = triggers.triggers(metrics, self._table_of)
        for trigger in wanted:
            self.env.cr.execute(triggers.FOUND, {"function": trigger.function, "table": trigger.table})
            if self.env.cr.fetchone() != (trigger.signature, trigger.names):
                for statement in trigger.statements():
                    self.env.cr.execute(statement)
        return [trigger.function for trigger in wanted]

    @api.model
    def _table_of(self, model, column=""):
        """Return the table of ``model`` (str), or that which its ``column`` refers to."""
        model = self.env[model]
        return self.env[model._fields[column].comodel_name]._table if column else model._table

    @api.model
    def _follow_facts(self):
        """Remove triggers and audits of facts that no addon declares any more. All addons must be loaded."""
        self._remove_triggers(but=self._put_triggers(self._facts()))
        self.env["telemetry.audit"]._follow_facts(complete=True)

    @api.model
    def _forget(self, metrics):
        """Forget what was counted of ``metrics``: the addon that declared them is uninstalled."""
        left, names = [metric for metric in self._facts() if metric not in metrics], [metric.name for metric in metrics]
        self._remove_triggers(but=self._put_triggers(left))
        self._remove_indexes(but=triggers.indexes(left, self._table_of))
        self.env["telemetry.audit"].search([("fact", "in", names)]).unlink()
        for table in (rollup.ENTRY, TOTAL, BALANCE, HISTORY):
            self.env.cr.execute(SQL("DELETE FROM %s WHERE metric = ANY(%s)", SQL.identifier(table), names))
        database = self.env.cr.dbname

        @self.env.cr.postcommit.add
        def forget():
            try:
                facts.forget(database, names.__contains__)
            except OSError as exception:
                store.errors.count("ledger", "counts of removed facts of %s can't be deleted: %s", database, exception)

    @api.model
    def _remove(self):
        """Leave the database as it was found: the addon is uninstalled."""
        self._remove_triggers()
        self._remove_indexes()
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL(", ").join(map(SQL.identifier, rollup.TABLES))))

    @api.model
    def _remove_triggers(self, but=()):
        """Drop the functions of the ledger but those named, with their triggers: another version may have made them."""
        self.env.cr.execute(
            "SELECT proname FROM pg_proc WHERE starts_with(proname, %s) AND proname != ALL(%s)"
            " AND pronamespace = current_schema()::regnamespace",
            [triggers.FUNCTION, list(but)],
        )
        for (function,) in self.env.cr.fetchall():
            self.env.cr.execute(SQL("DROP FUNCTION %s CASCADE", SQL.identifier(function)))

    @api.model
    def _remove_indexes(self, but=()):
        """Drop the indexes on the moments of facts but those named."""
        self.env.cr.execute(
            "SELECT indexname FROM pg_indexes WHERE starts_with(indexname, %s) AND indexname != ALL(%s)"
            " AND schemaname = current_schema()",
            [triggers.INDEX, list(but)],
        )
        for (name,) in self.env.cr.fetchall():
            self.env.cr.execute(SQL("DROP INDEX %s", SQL.identifier(name)))

    # ------------------------------------------------------------------ reading

    @api.model
    def _values(self):
        """Return all that comes from the ledger, to be published once this transaction is committed.

        :return: {(metric, labels, sample): value}; when they were read, Unix seconds by the clock of the database: no
            entry in them was made later; and the list of the metrics that are complete
        """
        totals = self._roll_up()
        values = {
            (metric.name, labels, sample): amount
            for metric in totals.metrics.values()
            if not metric.window and not (metric.rows and metric.rows[0].distinct)
            for labels, sample, amount in totals.series(metric)
        }
        for name in totals.metrics:
            labels = (series_name(name),)
            values[FACTS_CARRIED_OVER.name, labels, ""] = totals.amounts[FACTS_CARRIED_OVER.name].get((labels, ""), 0.0)
        values.update(self._recent(totals.metrics))
        self.env.cr.execute(_COUNT_ENTRIES)
        values[LEDGER_BACKLOG.name, (), ""], now = self.env.cr.fetchone()
        return values, max(now, totals.made_at), list(totals.metrics)

    @api.model
    def _recent(self, metrics):
        """Yield ((metric, labels, sample), value) of gauges over a window, and of distinct values of today."""
        now = time.time()
        for metric in metrics.values():
            if metric.window:
                for labels, samples in self._history(metric.name, now - metric.window).items():
                    if samples.get("", 0) > 0:
                        yield (metric.name, labels, ""), samples["sum"] / samples[""]
            elif metric.rows and metric.rows[0].distinct:
                [label] = metric.labels
                seen = self._history(metric.name, now // _DAY * _DAY)
                for value in label.values:
                    yield (metric.name, (value,), ""), seen.get((value,), {}).get("", 0.0)

    @api.model
    def _history(self, name, since):
        """Return {labels: {sample: amount}} of what happened since ``since`` (Unix seconds, a week ago at most)."""
        step = self._step(since)
        self.env.cr.execute(
            f"SELECT labels, sample, sum(amount) FROM {HISTORY}"
            " WHERE metric = %s AND step = %s AND at >= %s GROUP BY 1, 2",
            [name, step, int(since // step)],
        )
        found = {}
        for labels, sample, amount in self.env.cr.fetchall():
            found.setdefault(tuple(json.loads(labels)), {})[sample] = amount
        return found

    @api.model
    def _history_bars(self, name, since, seconds):
        """Return {labels: {number: how many facts}} of the bars of ``seconds`` each; the first is at ``since``."""
        step = self._step(since)
        self.env.cr.execute(
            f"SELECT labels, floor((at::bigint * step - %s) / %s)::integer, sum(amount) FROM {HISTORY}"
            " WHERE metric = %s AND step = %s AND at >= %s AND sample = '' GROUP BY 1, 2",
            [since, seconds, name, step, int(since // step)],
        )
        found = {}
        for labels, number, amount in self.env.cr.fetchall():
            found.setdefault(tuple(json.loads(labels)), {})[number] = round(amount)
        return found

    @api.model
    def _step(self, since):
        """Return the shortest of the steps in which what happened since then is kept."""
        age = time.time() - since
        return next((step for step, kept in STEPS.items() if age <= kept), max(STEPS))

    @api.model
    def _present(self, name):
        """Return {labels: number of rows that are facts of the metric ``name`` now}."""
        self.env.cr.execute(f"SELECT labels, amount FROM {TOTAL} WHERE metric = %s AND sample = %s", [name, rollup.NET])
        return {tuple(json.loads(labels)): int(amount) for labels, amount in self.env.cr.fetchall()}

    # ------------------------------------------------------------------ writing

    @api.model
    def _metrics(self):
        """Return {name: :class:`~..metrics.catalogue.Metric`} of all metrics whose entries can be rolled up.

        Those of the catalogue are included once the rows that are older than the addon are counted.
        """
        opened = self.env["telemetry.audit"]._opened()
        complete = {metric.name: metric for metric in self._facts() if metric.name in opened}
        counters = self.env["telemetry.own.metric"]._counters()
        return complete | {name: definition.counted() for name, definition in counters.items()}

    @api.model
    def _parameters(self, metrics, as_of=None, shown=()):
        """Return the parameters of ``MOVE`` and ``LOOK`` for ``metrics``, as :meth:`_metrics` returns them."""
        return {
            "metrics": list(metrics),
            "as_of": as_of,
            "shown": list(shown),
            "observed": [name for name, metric in metrics.items() if metric.kind == "histogram"],
            "distinct": [name for name, metric in metrics.items() if metric.rows and metric.rows[0].distinct],
        }

    @api.model
    def _may_write(self):
        """Return whether this transaction, which has done nothing yet, is the one that may write totals now."""
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(rollup.TAKE_LOCK_AT_ONCE, log_exceptions=False)
        except LockNotAvailable:
            return False
        return True

    @api.model
    def _totals(self, metrics, admit):
        limits = self.env["telemetry.settings"]._settings().label_limits
        self.env.cr.execute(rollup.READ_TOTALS)
        return Totals(metrics, self.env.cr.fetchall(), limits, admit)

    @api.model
    def _roll_up(self):
        """Move the entries into totals, unless another transaction does; return the :class:`Totals` with all of them.

        Each entry is moved once: it is deleted in the transaction that adds it up. A database whose totals are below
        what was shown was restored to an older state: they are raised to that, and what was counted since is added.
        """
        # before the snapshot of this transaction, so that the snapshot includes all that was shown before
        database = self.env.cr.dbname
        floor, known = facts.floor(database), facts.as_of(database)
        moves = self._may_write()
        if moves:
            self.env["telemetry.own.note"]._settle()
        metrics = self._metrics()
        totals = self._totals(metrics, admit=moves)
        self.env.cr.execute(MOVE if moves else LOOK, self._parameters(metrics, *known))
        effects = self.env.cr.fetchall()
        totals.add(effect for effect in effects if not effect[-1])
        self._carry_over(totals, floor)
        totals.add(effect for effect in effects if effect[-1])
        if moves:
            self._write_totals(totals)
        return totals

    @api.model
    def _write_totals(self, totals):
        """Write what ``totals`` has changed."""
        self._count_seen(totals)
        self._upsert(TOTAL, ("metric", "labels", "sample"), ("amount",), [
            (name, json.dumps(labels), sample, amount) for (name, labels, sample), amount in totals.changed.items()
        ])  # fmt: skip
        self._upsert(BALANCE, ("metric", "block"), ("rows", "offsets"), [
            (*key, rows, offsets) for key, (rows, offsets) in totals.balance.items()
        ])  # fmt: skip
        self._upsert(HISTORY, ("metric", "step", "at", "labels", "sample"), ("amount",), [
            (name, step, at, json.dumps(labels), sample, amount)
            for (name, step, at, labels, sample), amount in totals.history.items()
        ])  # fmt: skip
        for label, number in totals.capped.items():
            LABELS_CAPPED.inc(number, label=label)
        for name, number in totals.lost.items():
            store.errors.count(
                "value",
                "%d facts of %s can't be counted: they have no finite value, or the labels of another version",
                number,
                name,
            )

    def _count_seen(self, totals):
        """Add those distinct users of a day to its history who were not seen that day before, by role."""
        for (name, day), users in totals.seen.items():
            fresh = self.env.cr.execute_values(
                f"INSERT INTO {LOGIN} (day, user_id) VALUES %s ON CONFLICT DO NOTHING RETURNING user_id",
                [(day, user) for user in users],
                page_size=len(users),
                fetch=True,
            )
            users = self.env["res.users"].with_context(active_test=False).browse(user for (user,) in fresh)
            for role, number in self.env.registry.telemetry_roles.count(users.exists()).items():
                totals.remember(name, (role,), "", day * _DAY, number)

    def _upsert(self, table, keys, columns, rows):
        if rows:
            added = ", ".join(f"{column} = t.{column} + EXCLUDED.{column}" for column in columns)
            self.env.cr.execute_values(
                f"INSERT INTO {table} AS t ({', '.join((*keys, *columns))}) VALUES %s"
                f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {added}",
                rows,
                page_size=1000,
            )

    @api.model
    def _carry_over(self, totals, floor):
        """Raise ``totals`` to ``floor``, {(metric, labels, sample): value} of counters and histograms.

        A transaction that may not write can't distinguish facts that are carried over from facts whose label value is
        not admitted yet.
        """
        for (name, labels, sample), value in floor.items():
            if name == FACTS_CARRIED_OVER.name:
                missing = value - totals.amounts[name].get((labels, sample), 0.0)
                totals.increase(name, labels, sample, max(missing, 0.0))
        for (name, labels, sample), value in floor.items():
            missing = value - totals.amounts[name].get((labels, sample), 0.0) if name in totals.metrics else 0
            if missing > 0:
                totals.increase(name, labels, sample, missing)
                if sample != "sum" and totals.admit:
                    totals.increase(FACTS_CARRIED_OVER.name, (series_name(name),), "", missing)

    @api.model
    def _purge(self):
        """Delete what is older than the retention, and the values of deleted custom counters."""
        self.env["telemetry.own.metric"]._forget_counters()
        facts_here = self._facts()
        known = [metric.name for metric in facts_here] + list(self._metrics())
        # the addon of a fact that is audited may not be loaded now: its entries wait for it
        self.env.cr.execute(
            f"DELETE FROM {rollup.ENTRY} WHERE metric != ALL(%s)"
            " AND NOT EXISTS (SELECT FROM telemetry_audit WHERE fact = metric)",
            [known],
        )
        now = time.time()
        for name in [metric.name for metric in facts_here if any(rows.at for rows in metric.rows)]:
            for step, kept in STEPS.items():
                # relative to the newest row too: a clock that is set ahead for a while must not empty it
                self.env.cr.execute(
                    f"DELETE FROM {HISTORY} WHERE metric = %(name)s AND step = %(step)s AND at < least(%(now)s, ("
                    f"SELECT max(at) FROM {HISTORY} WHERE metric = %(name)s AND step = %(step)s)) - %(steps)s",
                    {"name": name, "step": step, "now": int(now // step), "steps": kept // step},
                )
        self.env.cr.execute(
            f"DELETE FROM {LOGIN} WHERE day < least(%s, (SELECT max(day) FROM {LOGIN})) - 1", [int(now // _DAY)]
        )
