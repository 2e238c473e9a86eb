import time
from dataclasses import replace

from psycopg2.errors import QueryCanceled

from odoo import api, models

from ..metrics import facts, store
from ..metrics.catalogue import LABELS_CAPPED
from ..metrics.custom import CustomMetric, Reading
from ..metrics.labels import OTHER
from .custom_query import STATEMENT_SECONDS, limited

TOTAL_SECONDS = 5.0
"""Seconds that all custom metrics together may take of a scrape."""
PAUSE_FACTOR = 100
"""The pause after a reading, as a multiple of its duration: a metric takes 1% of the time at most, however many
records it has."""


class CustomReading(models.AbstractModel):
    """The reading of all custom metrics of the database."""

    _name = "telemetry.own.reading"
    _description = "Telemetry's reading of custom metrics"

    @api.model
    def _read_database(self):
        """Read the custom metrics that are due, the longest due first, and publish their values."""
        database, now = self.env.cr.dbname, time.monotonic()
        known = store.databases.custom(database).metrics
        not_counted = self.env["telemetry.own.note"]._not_counted()
        metrics = self.env["telemetry.own.metric"].search([("active", "=", True)])
        definitions, refused = metrics._definitions()
        # without values: what is not allowed any more is not exported any more
        lasts = {
            metric.series: CustomMetric(
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
        store.databases.publish_custom(database, Reading(time.monotonic(), lasts))

    def _unread(self, definition, last):
        counter = definition.kind != "gauge"
        unread = CustomMetric(
            definition.name,
            "counter" if counter else "gauge",
            definition.help,
            definition.unit,
            definition.revision,
            definition.labels,
            definition.ledger if counter else "",
            is_age=definition.is_age,
        )
        # a counter that is defined in another way goes on if its labels are the same
        return replace(unread, texts=last.texts) if last and last.ledger == unread.ledger else unread

    def _read(self, definition, last, seconds):
        """Return the :class:`CustomMetric` of ``definition`` now; with the values of ``last`` if it can't be read.

        :param seconds: how long it may take
        """
        if seconds <= 0:
            return self._failed(last, f"skipped, because all custom metrics together took {TOTAL_SECONDS:.0f} s")
        begun, read = time.monotonic(), self._gauge if definition.kind == "gauge" else self._counter
        try:
            with limited(self.env, min(STATEMENT_SECONDS, seconds)):
                values = read(definition)
        except Exception as exception:
            taken = time.monotonic() - begun
            reason = f"timed out after {taken:.1f} s" if isinstance(exception, QueryCanceled) else str(exception)
            return self._failed(last, reason, **self._tried(begun))
        return replace(last, **values, **self._tried(begun), values_at=time.time(), read_at=begun, error="")

    def _gauge(self, definition):
        """Return the values of a gauge, as arguments of :class:`CustomMetric`."""
        series, capped = definition.series(self.env, definition.by_size(definition.groups(self.env)))
        for label, number in capped.items():
            LABELS_CAPPED.inc(number, label=f"{definition.name} {label}")
        return {"series": series, "capped": capped}

    def _counter(self, definition):
        """Return the names of the label values of a counter, as arguments of :class:`CustomMetric`."""
        shown, _read_at = facts.published(self.env.cr.dbname)
        amounts = {labels: number for (name, labels, _sample), number in shown.items() if name == definition.ledger}
        texts = [list(names.items()) for names in definition.texts(self.env, amounts)]
        capped = {}
        for position, dimension in enumerate(definition.dimensions):
            number = sum(number for labels, number in amounts.items() if labels[position] == OTHER)
            if number:
                capped[dimension.label] = int(number)
        return {"texts": texts, "capped": capped}

    def _tried(self, begun):
        """Return when a reading that began at ``begun`` was tried, and is due again."""
        now = time.monotonic()
        return {"tried_at": begun, "seconds": now - begun, "due_at": now + PAUSE_FACTOR * (now - begun)}

    def _failed(self, last, reason, **tried):
        store.errors.count("custom_metric", "%s: %s", last.name, reason)
        return replace(last, error=reason, **tried)
