import time
from dataclasses import replace

from psycopg2.errors import QueryCanceled

from odoo import api, models

from ..metrics import facts, store
from ..metrics.catalogue import LABELS_FOLDED
from ..metrics.labels import OTHER
from ..metrics.own import OwnMetric, Reading
from .own_query import STATEMENT_SECONDS, limited

TOTAL_SECONDS = 5.0
"""What all custom metrics together may take of a scrape."""
REST = 100
"""A metric is left alone for so many times as long as its reading took: it takes 1 % of the time at most, however much
there is to read."""


class OwnReading(models.AbstractModel):
    """The reading of all custom metrics of the database."""

    _name = "telemetry.own.reading"
    _description = "Telemetry's reading of own metrics"

    @api.model
    def _read_database(self):
        """Read the custom metrics that are due, those first that are due longest, and publish what they are."""
        database, now = self.env.cr.dbname, time.monotonic()
        known = store.databases.own(database).metrics
        not_counted = self.env["telemetry.own.note"]._not_counted()
        metrics = self.env["telemetry.own.metric"].search([("active", "=", True)])
        definitions, refused = metrics._definitions()
        # without values: what is not allowed any more is not exported any more
        lasts = {
            metric.series: OwnMetric(
                metric.series, "gauge" if metric.kind == "gauge" else "counter", metric.meaning, error=reason
            )
            for metric, reason in refused.items()
        }
        due = {}
        for definition in definitions:
            last = known.get(definition.name)
            if last is None or last.revision != definition.revision:
                last = self._unread(definition, last)
            lasts[definition.name] = last
            since = last.waits_since(now)
            if since is not None:
                due[definition] = since
        ends = now + TOTAL_SECONDS
        for definition in sorted(due, key=due.get):
            last = replace(lasts[definition.name], lost=not_counted.get(definition.name, 0))
            lasts[definition.name] = self._read(definition, last, ends - time.monotonic())
        store.databases.publish_own(database, Reading(time.monotonic(), lasts))

    def _unread(self, definition, last):
        counter = definition.kind != "gauge"
        unread = OwnMetric(
            definition.name,
            "counter" if counter else "gauge",
            definition.help,
            definition.unit,
            definition.revision,
            [dimension.label for dimension in definition.dimensions],
            definition.ledger if counter else "",
        )
        # a counter that is defined in another way goes on if its labels are the same
        return replace(unread, texts=last.texts) if last and last.ledger == unread.ledger else unread

    def _read(self, definition, last, seconds):
        """Return the :class:`OwnMetric` of ``definition`` now; with the values of ``last`` if it can't be read.

        :param seconds: how long it may take
        """
        if seconds <= 0:
            return self._failed(last, f"not read: all own metrics together took {TOTAL_SECONDS:.0f} s")
        begun, read = time.monotonic(), self._gauge if definition.kind == "gauge" else self._counter
        try:
            with limited(self.env, min(STATEMENT_SECONDS, seconds)):
                values = read(definition)
        except Exception as exception:
            taken = time.monotonic() - begun
            reason = f"cut off after {taken:.1f} s" if isinstance(exception, QueryCanceled) else str(exception)
            return self._failed(last, reason, **self._tried(begun))
        return replace(last, **values, **self._tried(begun), values_at=time.time(), read_at=begun, error="")

    def _gauge(self, definition):
        """Return the values of a gauge, as arguments of :class:`OwnMetric`."""
        series, folded = definition.series(self.env, definition.by_size(definition.groups(self.env)))
        for label, number in folded.items():
            LABELS_FOLDED.inc(number, label=f"{definition.name} {label}")
        return {"series": series, "folded": folded}

    def _counter(self, definition):
        """Return what the label values of a counter are called, as arguments of :class:`OwnMetric`."""
        shown, _read_at = facts.published(self.env.cr.dbname)
        amounts = {labels: number for (name, labels, _sample), number in shown.items() if name == definition.ledger}
        texts = [list(names.items()) for names in definition.texts(self.env, amounts)]
        folded = {}
        for position, dimension in enumerate(definition.dimensions):
            number = sum(number for labels, number in amounts.items() if labels[position] == OTHER)
            if number:
                folded[dimension.label] = int(number)
        return {"texts": texts, "folded": folded}

    def _tried(self, begun):
        """Return when a reading that begun at the moment ``begun`` was tried, and is due again."""
        now = time.monotonic()
        return {"tried_at": begun, "seconds": now - begun, "due_at": now + REST * (now - begun)}

    def _failed(self, last, reason, **tried):
        store.errors.count("own_metric", "%s: %s", last.name, reason)
        return replace(last, error=reason, **tried)
