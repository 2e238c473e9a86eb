import json

from odoo import api, fields, models
from odoo.tools import SQL

from ..metrics import store
from .own_query import limited

_ONE_COMPACTS = 0x6F776E666163  # any number that nobody else takes an advisory lock on


class OwnFact(models.Model):
    """Facts of own counters: how many records one transaction created, or brought into a state.

    The transaction that makes a fact true writes it, so PostgreSQL undoes the two together, and a process that is
    killed loses neither. Rows can't be counted anew later, as they are for the catalogue's facts: what the domain and
    the dimensions of an administrator say of a record changes after it was created.
    """

    _name = "influencegen.telemetry.own.fact"
    _description = "Fact of an own metric"
    _log_access = False

    metric_id = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    labels = fields.Char(help="The raw label values as JSON; empty when the records could not be read.")
    amount = fields.Integer(required=True)

    @api.model
    def _count(self, definition, ids):
        """Write down the facts of ``definition`` among the records ``ids``, as they are in the database; never raises.

        A transaction costs the same few statements however many records it has.
        """
        try:
            with limited(self.env):
                groups = definition.groups(self.env, ids)
        except Exception as exception:
            store.error("own_metric", "%d records of %s can't be read, and are not counted: %s", len(ids),
                        definition.name, exception)
            groups = {None: (len(ids),)}
        facts = [
            (definition.id, definition.revision, None if labels is None else json.dumps(labels), number)
            for labels, (number,) in groups.items()
            if number
        ]
        try:
            with self.env.cr.savepoint(flush=False):
                if facts:
                    self.env.cr.execute(SQL(
                        "INSERT INTO %s (metric_id, revision, labels, amount) VALUES %s",
                        SQL.identifier(self._table), SQL(", ").join(facts),
                    ))
        except Exception as exception:
            store.error("own_metric", "facts of %s can't be written: %s", definition.name, exception)

    @api.model
    def _totals(self, definitions):
        """Return what was counted by ``definitions`` (list of :class:`.own_query.Definition` of counters).

        :return: {definition: ({raw label values: (number,)} in the order of first facts, number that was not read)}
        """
        self._compact()
        self.env.cr.execute(
            f"SELECT metric_id, revision, labels, sum(amount) FROM {self._table} GROUP BY 1, 2, 3 ORDER BY min(id)"
        )
        sums = {}
        for metric, revision, labels, amount in self.env.cr.fetchall():
            raw = None if labels is None else tuple(json.loads(labels))
            sums.setdefault((metric, revision), {})[raw] = (int(amount),)
        totals = {}
        for definition in definitions:
            groups = sums.get((definition.id, definition.revision), {})
            (lost,) = groups.pop(None, (0,))
            # a field that its module has taken along was a dimension
            width = len(definition.dimensions)
            totals[definition] = {raw: number for raw, number in groups.items() if len(raw) == width}, lost
        return totals

    def _compact(self):
        """Add the facts of one kind up in the row of the first, and delete those of definitions that are gone."""
        self.env.cr.execute("SELECT pg_try_advisory_xact_lock(%s)", [_ONE_COMPACTS])
        if not self.env.cr.fetchone()[0]:
            return
        self.env.cr.execute(
            f"""
            DELETE FROM {self._table} fact WHERE NOT EXISTS (
                SELECT FROM influencegen_telemetry_own_metric metric
                WHERE metric.id = fact.metric_id AND metric.revision = fact.revision
            );
            WITH sums AS (
                SELECT min(id) AS id, array_agg(id) AS ids, sum(amount) AS amount
                FROM {self._table} GROUP BY metric_id, revision, labels HAVING count(*) > 1
            ), added AS (
                DELETE FROM {self._table} fact USING sums WHERE fact.id = ANY(sums.ids) AND fact.id != sums.id
            )
            UPDATE {self._table} fact SET amount = sums.amount FROM sums WHERE fact.id = sums.id
            """
        )
