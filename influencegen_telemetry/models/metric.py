from odoo import api, fields, models

from ..metrics import catalogue, store
from ..metrics.exposition import Families
from . import reading

_SPECIFIED = {
    series: requirement.name
    for requirement in reversed(catalogue.SPECIFICATION.values())
    for series in requirement.series
}


class Metric(models.TransientModel):
    """The series that are exported now, as rows of their own for each user who looks at them."""

    _name = "influencegen.telemetry.metric"
    _description = "Exported metric"
    _order = "id"

    name = fields.Char("Series", readonly=True)
    labels = fields.Char(readonly=True)
    value = fields.Float(readonly=True, digits=(16, 6), help="Of a histogram: the number of observations.")
    mean = fields.Float(readonly=True, digits=(16, 6), help="Of a histogram: the mean of the observations.")
    unit = fields.Char(readonly=True)
    meaning = fields.Char(readonly=True)
    kind = fields.Selection(
        [("counter", "Counter"), ("gauge", "Gauge"), ("histogram", "Histogram")], readonly=True
    )
    group = fields.Selection(
        [("fast", "Critical calls and AI images"), ("system", "Odoo itself"), ("business", "Business")], readonly=True
    )
    specification = fields.Char("Specified as", readonly=True)

    @api.model
    def _refresh(self):
        """Replace the user's rows by what is exported now, and return them."""
        self.search([("create_uid", "=", self.env.uid)]).unlink()
        database = self.env.cr.dbname
        reading.refresh(database)
        exported = {name: settings for name, settings in store.databases().items() if name == database}
        families = Families(exported)
        return self.create([row for family in families.collect() for row in self._rows(families, family)])

    @api.model
    def action_open(self):
        """Show what is exported now."""
        self.check_access("create")
        self._refresh()
        return self.env["ir.actions.act_window"]._for_xml_id("influencegen_telemetry.metric_action")

    def _rows(self, families, family):
        """Yield the values of a row for each series of ``family`` (a :class:`prometheus_client.Metric`)."""
        name = f"{family.name}_total" if family.type == "counter" else family.name
        metric = families.metric(name, self.env.cr.dbname)
        samples = {}
        for sample in family.samples:
            labels = tuple(pair for pair in sample.labels.items() if pair[0] != "le")
            samples.setdefault(labels, {})[sample.name] = sample.value
        for labels, values in samples.items():
            count = values.get(f"{name}_count", 0)
            yield {
                "name": name,
                "labels": ", ".join(f"{label}={value}" for label, value in labels),
                "value": values.get(name, count),
                "mean": values[f"{name}_sum"] / count if count else 0.0,
                "unit": metric.unit,
                "meaning": metric.help,
                "kind": metric.kind,
                "group": metric.group,
                "specification": _SPECIFIED.get(name),
            }
