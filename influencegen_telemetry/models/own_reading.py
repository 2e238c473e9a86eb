import time
from dataclasses import replace

from psycopg2.errors import QueryCanceled

from odoo import api, models

from ..metrics import store
from ..metrics.own import OwnMetric, Reading
from .own_query import STATEMENT_SECONDS, limited

TOTAL_SECONDS = 5.0
"""What all own metrics together may take of a scrape."""
RETRY_SECONDS = 300.0
"""How long a metric that was cut off is left alone."""


class OwnReading(models.AbstractModel):
    """The reading of all own metrics of the database."""

    _name = "influencegen.telemetry.own.reading"
    _description = "Telemetry's reading of own metrics"

    @api.model
    def _read_database(self):
        """Read the own metrics, those first that have waited longest, and publish what they are."""
        database = self.env.cr.dbname
        known = store.own(database).metrics
        definitions = self.env["influencegen.telemetry.own.metric"].search([("active", "=", True)])._definitions()
        counters = [definition for definition in definitions if definition.kind != "gauge"]
        totals = self.env["influencegen.telemetry.own.fact"]._totals(counters)
        ends = time.monotonic() + TOTAL_SECONDS
        metrics = {}
        for definition in sorted(definitions, key=lambda one: known[one.name].tried_at if one.name in known else 0):
            last = known.get(definition.name)
            if last is None or last.revision != definition.revision:
                last = self._unread(definition)
            metrics[definition.name] = self._read(definition, last, totals, ends - time.monotonic())
        store.publish_own(database, Reading(time.time(), metrics))

    def _unread(self, definition):
        return OwnMetric(
            definition.name,
            "gauge" if definition.kind == "gauge" else "counter",
            definition.help,
            definition.unit,
            definition.revision,
            [dimension.label for dimension in definition.dimensions],
        )

    def _read(self, definition, last, totals, seconds):
        """Return the :class:`OwnMetric` of ``definition`` now; with the values of ``last`` if it can't be read.

        :param totals: of counters, as :meth:`OwnFact._totals` returns them
        :param seconds: how long it may take
        """
        now, begun = time.time(), time.perf_counter()
        if now < last.retry_at:
            return last
        if seconds <= 0:
            return self._failed(last, f"not read: all own metrics together took {TOTAL_SECONDS:.0f} s")
        try:
            with limited(self.env, min(STATEMENT_SECONDS, seconds)):
                groups, lost = totals.get(definition) or (definition.by_size(definition.groups(self.env)), 0)
                series, folded = definition.series(self.env, groups)
        except Exception as exception:
            cut_off = isinstance(exception, QueryCanceled)
            reason = f"cut off after {time.perf_counter() - begun:.1f} s" if cut_off else str(exception)
            seconds = time.perf_counter() - begun
            return self._failed(last, reason, now, now + RETRY_SECONDS if cut_off else 0.0, seconds)
        for label, number in folded.items():
            store.inc("influencegen_telemetry_labels_folded_total", (f"{definition.name} {label}",), number)
        return replace(
            self._unread(definition), series=series, folded=folded, lost=lost, values_at=now, tried_at=now,
            seconds=time.perf_counter() - begun,
        )

    def _failed(self, last, reason, tried_at=None, retry_at=0.0, seconds=0.0):
        store.error("own_metric", "%s: %s", last.name, reason)
        return replace(
            last, error=reason, tried_at=tried_at or last.tried_at, retry_at=retry_at, seconds=seconds
        )
