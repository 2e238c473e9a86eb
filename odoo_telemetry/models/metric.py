import json
from dataclasses import dataclass
from urllib.parse import quote

from odoo import api, models

from .. import monitoring
from ..metrics import store
from ..metrics.exposition import Families
from ..metrics.lines import escape
from . import reading

_IMPLIED = ("database", "le")
"""Labels that the page does not show: it is about one database, and shows a histogram's buckets as one value."""


class Metric(models.AbstractModel):
    """The metrics that are exported now, as the page *Telemetry, Metrics* shows them."""

    _name = "telemetry.metric"
    _description = "Exported metric"

    @api.model
    def read_metrics(self):
        """Return what is exported of this database now.

        :return: list of dicts with name, kind, help, group, unit, specification (its name there, or False), promql,
            ``links`` ({label: address}) and ``series``: dicts with labels ({name: value}, without the database), value,
            and of a histogram, whose value is the number of observations, their mean
        :raises AccessError: for a user who is not an administrator
        """
        self.env["telemetry.alert"]._check_administrator()
        families = self._families()
        return [self._row(families, family) for family in families.collect()]

    @api.model
    def _families(self):
        """Return the :class:`Families` of what is exported of this database now."""
        database = self.env.cr.dbname
        reading.refresh(database)
        return Families({name: settings for name, settings in store.databases.settings().items() if name == database})

    @api.model
    def _row(self, families, family):
        query = Query.of(families, family, self.env.cr.dbname)
        metric, promql = families.metric(query.name, self.env.cr.dbname), query.promql()
        return {
            "name": query.name,
            "kind": metric.kind,
            "help": metric.help,
            "group": metric.group,
            "unit": metric.unit,
            "specification": False,
            "promql": promql,
            "links": self._links(promql),
            "series": list(_series(query.name, family)),
        }

    @api.model
    def _links(self, promql):
        get, links = self.env["telemetry.settings"]._get, {}
        if prometheus := get("prometheus_url"):
            links["Prometheus"] = f"{monitoring.link(prometheus)}/graph?g0.expr={quote(promql)}&g0.tab=0"
        if grafana := get("grafana_url"):
            pane = {
                "datasource": "prometheus",
                "queries": [{"refId": "A", "expr": promql}],
                "range": {"from": "now-1h", "to": "now"},
            }
            links["Grafana"] = f"{grafana.rstrip('/')}/explore?schemaVersion=1&panes={quote(json.dumps({'a': pane}))}"
        return links


def _series(name, family):
    samples = {}
    for sample in family.samples:
        labels = tuple(pair for pair in sample.labels.items() if pair[0] not in _IMPLIED)
        samples.setdefault(labels, {})[sample.name] = sample.value
    for labels, values in samples.items():
        count = values.get(f"{name}_count", 0)
        yield {
            "labels": dict(labels),
            "value": values.get(name, count),
            "mean": values[f"{name}_sum"] / count if count else None,
        }


@dataclass(frozen=True)
class Query:
    """A PromQL query for a metric; it selects this database if the metric has the scope 'database'.

    name, kind, unit: as of :class:`..metrics.metric.Metric`; the kind of a custom histogram is 'buckets': its series
        are gauges of what there is now, which no rate is taken of.
    labels: names of its labels, without those that are implied.
    matcher: the selector's condition on the database, or ''.
    """

    name: str
    kind: str
    unit: str
    labels: tuple = ()
    matcher: str = ""

    @classmethod
    def of(cls, families, family, database):
        """Return the query of one of ``families`` (:class:`..metrics.exposition.Families`) of the database (str)."""
        name = f"{family.name}_total" if family.type == "counter" else family.name
        metric = families.metric(name, database)
        labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label not in _IMPLIED)
        matcher = f'database="{escape(database)}"' if metric.scope == "database" else ""
        kind = "buckets" if name.endswith("_bucket") else metric.kind
        return cls(name, kind, metric.unit, tuple(labels), matcher)

    def promql(self, window="5m"):
        """Return the query that a person would begin with, over ``window`` where it has rates."""
        if self.kind == "counter":
            return f"sum{self._by()} (rate({self._series()}[{window}]))"
        if self.kind == "buckets":
            return f"histogram_quantile(0.95, sum{self._by('le')} ({self._series()}))"
        if self.kind == "histogram":
            return f"histogram_quantile(0.95, sum{self._by('le')} (rate({self._series('_bucket')}[{window}])))"
        return self._series()

    def activity(self, seconds, at=""):
        """Return the query of how much each series did in ``seconds``; ``at`` is a modifier of its time."""
        series = self._series({"histogram": "_count"}.get(self.kind, ""), 'le="+Inf"' if self.kind == "buckets" else "")
        function = "increase" if self.kind in ("counter", "histogram") else "avg_over_time"
        return f"sum{self._by(*self._server())} ({function}({series}[{seconds}s]{at}))"

    def busiest(self, window, seconds, most):
        """Return the query of the ``most`` series that did most in ``seconds``, over ``window`` (s) where it has rates.

        Every server exports the same series of a database; gauges of a server itself differ by ``instance``.
        """
        query, servers = self.promql(f"{window}s"), self._server()
        if self.kind == "gauge":
            query = f"max{self._by(*servers)} ({query})"
        on = ", ".join((*self.labels, *servers))
        return f"{query} and on ({on}) topk({most}, {self.activity(seconds, ' @ end()')})"

    def _series(self, suffix="", matcher=""):
        matchers = ", ".join(filter(None, (self.matcher, matcher)))
        return f"{self.name}{suffix}{{{matchers}}}" if matchers else f"{self.name}{suffix}"

    def _by(self, *others):
        labels = ", ".join((*others, *self.labels))
        return f" by ({labels})" if labels else ""

    def _server(self):
        return ("instance",) if self.kind == "gauge" and not self.matcher else ()
