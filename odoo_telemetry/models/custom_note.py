import json
from collections import Counter, defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..facts.rollup import TOTAL
from ..facts.triggers import ENTRY
from ..metrics import store
from .custom_query import limited

NOTE = "telemetry_own_note"
NO_FACT = ""
"""The labels of records that are not facts of the metric now: they may still become facts before the commit."""
NOT_COUNTED = "{} not counted"
"""What the name of a series is followed by in the table of totals, for the records that could not be read."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS {NOTE} (
    id bigserial PRIMARY KEY,
    txid bigint NOT NULL DEFAULT txid_current(),
    -- as the ledger names it
    metric text NOT NULL,
    -- the table of the records; a column, and the value (as text) that it must have at the commit; both '' for none
    relation text NOT NULL,
    state text NOT NULL,
    target text NOT NULL,
    res_ids integer[] NOT NULL,
    -- raw label values as a JSON list; NULL if the records were not looked at yet
    labels text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, vacuum_truncate = off);
CREATE INDEX IF NOT EXISTS {NOTE}_txid ON {NOTE} (txid);
CREATE OR REPLACE FUNCTION {NOTE}_commit() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    source record;
BEGIN
    FOR source IN
        SELECT DISTINCT relation, state, target FROM {NOTE} WHERE txid = txid_current() AND labels IS NOT NULL
    LOOP
        EXECUTE format($query$
            INSERT INTO {ENTRY} (metric, labels, amount)
            SELECT newest.metric, newest.labels, count(*)
            FROM (
                SELECT DISTINCT ON (n.metric, r.id) n.metric, r.id, n.labels, n.id AS note
                FROM {NOTE} n CROSS JOIN LATERAL unnest(n.res_ids) AS r (id)
                WHERE n.txid = txid_current() AND n.relation = $1 AND n.state = $2 AND n.target = $3
                ORDER BY n.metric, r.id, n.id DESC
            ) AS newest JOIN %I AS t ON t.id = newest.id
            WHERE newest.labels != '{NO_FACT}' AND %s
            GROUP BY 1, 2 ORDER BY min(newest.note), min(newest.id)
        $query$, source.relation,
            CASE source.state WHEN '' THEN 'true' ELSE format('t.%I::text = $3', source.state) END)
        USING source.relation, source.state, source.target;
    END LOOP;
    DELETE FROM {NOTE} WHERE txid = txid_current() AND labels IS NOT NULL;
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'Telemetry could not count custom metrics at commit: %', SQLERRM;
    RETURN NULL;
END
$body$;
DROP TRIGGER IF EXISTS {NOTE}_commit ON {NOTE};
CREATE CONSTRAINT TRIGGER {NOTE}_commit AFTER INSERT ON {NOTE} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.labels IS NOT NULL) EXECUTE FUNCTION {NOTE}_commit()
"""
"""The trigger runs when a transaction commits, after everything that the transaction did: the first note's run writes
the entries of all notes to the ledger, and leaves nothing to the others."""


class CustomNote(models.AbstractModel):
    """Records that may be facts of custom counters, in a table of their own.

    A note is written in the transaction and savepoint of the statement that writes the record, so PostgreSQL undoes
    both together. Before the commit, the domain and the dimensions are read of the noted records (:meth:`_look`). At
    the commit, a trigger writes those that still exist to the ledger. Notes remain without evaluation if their records
    could not be read, or if a savepoint in raw SQL undid the evaluation; the next roll-up evaluates them
    (:meth:`_settle`).
    """

    _name = "telemetry.own.note"
    _description = "Records to count for custom metrics"

    def init(self):
        """Make the table and its trigger."""
        super().init()
        self.env["telemetry.ledger"].init()
        self.env.cr.execute(SCHEMA)

    @api.model
    def _remove(self):
        """Drop the table and its trigger: the addon is uninstalled."""
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(NOTE)))
        self.env.cr.execute(SQL("DROP FUNCTION IF EXISTS %s", SQL.identifier(f"{NOTE}_commit")))

    @api.model
    def _note(self, candidates):
        """Note {:class:`.custom_query.Definition`: ids} for later; never raises."""
        self._write([(definition, ids, None) for definition, ids in candidates.items()])

    @api.model
    def _look(self, definitions):
        """Read the labels of the records noted by this transaction and not looked at yet; never raises.

        A transaction costs the same few statements however many records it has. What can't be read stays noted.

        :param definitions: iterable of the definitions that the notes may belong to
        """
        for definition in definitions:
            try:
                with limited(self.env):
                    self.env.cr.execute(
                        f"SELECT id, res_ids FROM {NOTE}"
                        " WHERE txid = txid_current() AND labels IS NULL AND metric = %s",
                        [definition.ledger],
                    )
                    notes = dict(self.env.cr.fetchall())
                    ids = set().union(*notes.values())
                    found = definition.facts(self.env, ids) if ids else {}
            except Exception as exception:
                store.errors.count("custom_metric", "new records of %s can't be read: %s", definition.name, exception)
                continue
            looked = [(definition, res_ids, json.dumps(labels)) for labels, res_ids in found.items()]
            looked.append((definition, ids.difference(*found.values()), NO_FACT))
            self._write(looked, list(notes))

    @api.model
    def _settle(self):
        """Count what transactions left noted: they are committed, and did not look at it themselves."""
        self.env.cr.execute(SQL("DELETE FROM %s RETURNING id, txid, metric, res_ids, labels", SQL.identifier(NOTE)))
        notes = sorted(self.env.cr.fetchall())
        if not notes:
            return
        # notes of what nobody counts any more are dropped
        definitions = self.env["telemetry.own.metric"]._counters()
        newest = {}
        for _id, txid, name, res_ids, labels in notes:
            newest.update(((name, txid, res_id), labels) for res_id in res_ids)
        amounts, unread = Counter(), defaultdict(Counter)
        for (name, _txid, res_id), labels in newest.items():
            if labels is None and name in definitions:
                # each transaction that brought a record into the state counts
                unread[name][res_id] += 1
            elif labels:
                amounts[name, labels] += 1
        for name, times in unread.items():
            definition = definitions[name]
            try:
                with limited(self.env):
                    found = definition.facts(self.env, times)
            except Exception as exception:
                store.errors.count(
                    "custom_metric",
                    "%d records of %s can't be read, and are not counted: %s",
                    len(times),
                    definition.name,
                    exception,
                )
                self.env["telemetry.ledger"]._upsert(
                    TOTAL,
                    ("metric", "labels", "sample"),
                    ("amount",),
                    [(f"{definition.name}{NOT_COUNTED}", "[]", "", sum(times.values()))],
                )
                continue
            for labels, res_ids in found.items():
                amounts[name, json.dumps(labels)] += sum(map(times.get, res_ids))
        if amounts:
            self.env.cr.execute_values(
                f"INSERT INTO {ENTRY} (metric, labels, amount) VALUES %s",
                [(*key, amount) for key, amount in amounts.items()],
            )

    @api.model
    def _not_counted(self):
        """Return {series name: number of records that could not be read, and are not in it}."""
        self.env.cr.execute(
            f"SELECT left(metric, %s), amount FROM {TOTAL} WHERE right(metric, %s) = %s",
            [-len(NOT_COUNTED), len(NOT_COUNTED), NOT_COUNTED],
        )
        return {series: int(amount) for series, amount in self.env.cr.fetchall()}

    def _write(self, notes, instead=()):
        """Write ``notes``, (definition, ids, labels) each, in the place of the rows whose ids are ``instead``."""
        rows = [
            (definition.ledger, self.env[definition.model]._table, definition.state, definition.target_text, list(ids),
             labels)
            for definition, ids, labels in notes if ids
        ]  # fmt: skip
        if not rows:
            return
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute_values(
                    f"INSERT INTO {NOTE} (metric, relation, state, target, res_ids, labels) VALUES %s",
                    rows,
                    page_size=len(rows),
                )
                if instead:
                    self.env.cr.execute(f"DELETE FROM {NOTE} WHERE id = ANY(%s)", [instead])
        except Exception as exception:
            names = ", ".join(sorted({definition.name for definition, _ids, _labels in notes}))
            store.errors.count(
                "custom_metric", "changed records of %s can't be stored for counting: %s", names, exception
            )
