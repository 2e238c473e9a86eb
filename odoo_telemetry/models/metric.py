import json
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
        :raises AccessError: for who is no administrator
        """
        self.env["telemetry.alert"]._check_administrator()
        database = self.env.cr.dbname
        reading.refresh(database)
        exported = {name: settings for name, settings in store.databases.settings().items() if name == database}
        families = Families(exported)
        return [self._row(families, family) for family in families.collect()]

    @api.model
    def _row(self, families, family):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        metric = families.metric(name, self.env.cr.dbname)
        promql = _promql(name, family, self.env.cr.dbname if metric.scope == "database" else None)
        return {
            "name": name,
            "kind": metric.kind,
            "help": metric.help,
            "group": metric.group,
            "unit": metric.unit,
            "specification": False,
            "promql": promql,
            "links": self._links(promql),
            "series": list(_series(name, family)),
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


def _promql(name, family, database):
    """Return the query that a person would begin with: of this database, if the metric is of one."""
    labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label not in _IMPLIED)
    by = f" by ({', '.join(labels)})" if labels else ""
    selector = f'{{database="{escape(database)}"}}' if database else ""
    if family.type == "counter":
        return f"sum{by} (rate({name}{selector}[5m]))"
    if family.type == "histogram":
        by = ", ".join(("le", *labels))
        return f"histogram_quantile(0.95, sum by ({by}) (rate({name}_bucket{selector}[5m])))"
    return f"{name}{selector}"
