from odoo import api, fields, models

from .own_query import limited


class OwnValue(models.TransientModel):
    """The values that an own metric has now, as rows of their own for each user who looks at them."""

    _name = "influencegen.telemetry.own.value"
    _description = "Value of an own metric"
    _order = "id"

    metric_id = fields.Many2one("influencegen.telemetry.own.metric", required=True, ondelete="cascade", readonly=True)
    labels = fields.Char(readonly=True)
    value = fields.Float(readonly=True, digits=(16, 6))

    @api.model
    def _open(self, metric):
        """Read ``metric`` and return the action that shows its values; of a counter, what it has counted so far."""
        metric._check_definition()
        definition = metric._definition()
        counters = [definition] if definition.kind != "gauge" else []
        totals = self.env["influencegen.telemetry.own.fact"]._totals(counters)
        with limited(self.env):
            groups, _lost = totals.get(definition) or (definition.by_size(definition.groups(self.env)), 0)
            series, _folded = definition.series(self.env, groups)
        self.search([("create_uid", "=", self.env.uid), ("metric_id", "=", metric.id)]).unlink()
        names = [dimension.label for dimension in definition.dimensions]
        self.create([
            {
                "metric_id": metric.id,
                "labels": ", ".join(f"{name}={text}" for name, text in zip(names, labels, strict=True)),
                "value": value,
            }
            for labels, value in series
        ])
        return {
            "type": "ir.actions.act_window",
            "name": metric.series,
            "res_model": self._name,
            "view_mode": "list",
            "views": [(False, "list")],
            "domain": [("create_uid", "=", self.env.uid), ("metric_id", "=", metric.id)],
            "target": "new",
        }
