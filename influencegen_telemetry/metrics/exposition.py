"""The exposition: what is stored and what is read at scrape time, as prometheus_client's families, encoded.

See https://prometheus.io/docs/instrumenting/exposition_formats/ for the two formats.
"""

import gzip
import time
from itertools import product

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar

from . import catalogue, facts, store

GROUPS = ("fast", "system", "business")
DURATION = "influencegen_telemetry_database_read_duration_seconds"
_AGE = "influencegen_telemetry_database_read_age_seconds"
NO_DATABASE = "none"
"""The label ``database`` of requests that were answered without one."""
STALE_AFTER_SECONDS = 600.0
"""A value read from the database longer ago than this is not exported."""


class Families:
    """The families of one scrape: a collector in prometheus_client's sense.

    :param databases: {name: Settings} of the databases to show
    :param groups: the groups to show
    :param names: series names to show, or empty for all; a histogram's and a counter's family name stands for it
    """

    def __init__(self, databases, groups=GROUPS, names=()):
        self._databases = databases
        self._several = len(store.databases()) > 1
        self._groups = groups
        self._names = names
        self._own = {database: store.own(database).metrics for database in databases}
        self._described = {
            (name, database): metric.described()
            for database, metrics in self._own.items()
            for name, metric in metrics.items()
        }

    def metric(self, name, database):
        """Return the :class:`.catalogue.Metric` of the series ``name`` in ``database`` (None: in the instance).

        :raises KeyError: when neither the catalogue nor the database's administrator defined it.
        """
        return catalogue.METRICS.get(name) or self._described[name, database]

    def collect(self):
        """Return the list of :class:`prometheus_client.Metric` to encode: the catalogue's in its order, then own ones.
        """
        started = time.perf_counter()
        values, times = store.read()
        values = {key: value for key, value in values.items() if not catalogue.METRICS[key[0]].rows}
        for database in self._databases:
            values.update(facts.values(database))
        for name, database, labels, value in store.scraped(self._groups, self._databases):
            values[name, database, labels, ""] = value
        values["influencegen_telemetry_series", None, (), ""] = len(values)
        values["influencegen_telemetry_slots", None, (), ""] = store.slot_count()
        for (database, label), number in store.label_counts().items():
            values["influencegen_telemetry_label_values", database, (label,), ""] = number
        for database, settings in self._databases.items():
            for threshold, value in settings.thresholds.items():
                values["influencegen_telemetry_threshold", database, (threshold,), ""] = value
        self._drop_stale(values, times)
        self._add_own(values)
        shown, exemplars = self._shown(values), store.exemplars()
        name = "influencegen_telemetry_scrape_duration_seconds"
        if self._wanted(catalogue.METRICS[name], None):
            shown.setdefault(name, {})[None, ()] = {"": time.perf_counter() - started}
        names = [*filter(shown.__contains__, catalogue.METRICS), *sorted(shown.keys() - catalogue.METRICS.keys())]
        return [self._family(name, shown[name], exemplars) for name in names]

    def _drop_stale(self, values, times):
        now = time.time()
        for key, stamp in times.items():
            name = key[0]
            if key in values and now - stamp > STALE_AFTER_SECONDS and catalogue.METRICS[name].scope == "database":
                del values[key]
        for database in self._databases:
            stamp = times.get((DURATION, database, (), ""))
            if stamp:
                values[_AGE, database, (), ""] = now - stamp

    def _add_own(self, values):
        """Add the own metrics; one that another database defines as another kind can't be shown beside it."""
        now, kinds = time.time(), {}
        for database, metrics in self._own.items():
            for name, metric in metrics.items():
                if now - metric.values_at > STALE_AFTER_SECONDS:
                    continue
                if kinds.setdefault(_family_name(name, metric.kind), metric.kind) != metric.kind:
                    store.error("own_metric", "%s of %s is a %s, and another kind in another database", name, database,
                                metric.kind)
                    continue
                for labels, value in metric.series:
                    values[name, database, tuple(labels), ""] = value

    def _shown(self, values):
        """Return {metric name: {(database, labels): {sample: value}}} of what this scrape asks for."""
        shown = {}
        for (name, database, labels, sample), value in values.items():
            metric = self.metric(name, database)
            if not self._wanted(metric, database):
                continue
            shown.setdefault(name, {}).setdefault((database, labels), {})[sample] = value
        return shown

    def _wanted(self, metric, database):
        if database is not None and database not in self._databases:
            return False
        asked = self._databases.values() if database is None else [self._databases[database]]
        if not any(metric.group in settings.groups for settings in asked):
            return False
        family = metric.name.removesuffix("_total")
        return metric.group in self._groups and (not self._names or metric.name in self._names or family in self._names)

    def _family(self, name, series, exemplars):
        family = None
        for (database, values), samples in series.items():
            metric = self.metric(name, database)
            family = family or Metric(_family_name(name, metric.kind), metric.help, metric.kind)
            labels = dict(zip((label.name for label in metric.labels), values, strict=True))
            if metric.scope == "database" and (self._several or database is None):
                labels["database"] = database or NO_DATABASE
            if metric.kind == "histogram":
                self._add_histogram(family, labels, samples, exemplars.get((metric.name, database, values), {}))
            else:
                family.add_sample(metric.name, labels, samples[""])
        return family

    @staticmethod
    def _add_histogram(family, labels, samples, exemplars):
        total = 0.0
        for bound, total in store.cumulative(family.name, samples):
            noted = exemplars.get(str(bound)) if exemplars else None
            exemplar = noted and Exemplar({"trace_id": noted.trace_id}, noted.value, noted.time)
            family.add_sample(f"{family.name}_bucket", {**labels, "le": bound_text(bound)}, total, exemplar=exemplar)
        family.add_sample(f"{family.name}_count", labels, total)
        family.add_sample(f"{family.name}_sum", labels, samples["sum"])


def _family_name(name, kind):
    return name.removesuffix("_total") if kind == "counter" else name


def bound_text(bound):
    """Return a bucket's upper bound (float) as the label ``le`` has it."""
    return "+Inf" if bound == float("inf") else repr(bound)


def encode(families, accept, accept_encoding):
    """Return (body bytes, headers dict) of ``families`` in the format and coding that the scraper accepts.

    :param Families families: what to encode
    :param str accept: the ``Accept`` header; OpenMetrics or text
    :param str accept_encoding: the ``Accept-Encoding`` header; gzip or none
    """
    encoder, content_type = choose_encoder(accept)
    body = encoder(families)
    headers = {"Content-Type": content_type}
    if "gzip" in accept_encoding:
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return body, headers


def start_at_zero(database):
    """Make the series of ``database`` (or None: the instance) whose labels are few and known start at 0.

    A series that first appears at 1 would hide its first event from ``rate()``.
    """
    scope = "instance" if database is None else "database"
    for metric in catalogue.METRICS.values():
        closed = all(label.values for label in metric.labels)
        if metric.kind == "counter" and metric.producer == "odoo" and not metric.rows and metric.scope == scope and closed:
            for labels in product(*(label.values for label in metric.labels)):
                store.inc(metric.name, labels, 0.0, database)
