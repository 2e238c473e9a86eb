from odoo import api, fields, models

from ..facts.rollup import LOOK
from ..metrics.own import OwnMetric
from .own_query import limited


class OwnValue(models.TransientModel):
    """The values that an own metric has now, as rows of their own for each user who looks at them."""

    _name = "telemetry.own.value"
    _description = "Value of an own metric"
    _order = "id"

    metric_id = fields.Many2one("telemetry.own.metric", required=True, ondelete="cascade", readonly=True)
    labels = fields.Char(readonly=True)
    value = fields.Float(readonly=True, digits=(16, 6))

    @api.model
    def _open(self, metric):
        """Read ``metric`` and return the action that shows its values; of a counter, what it has counted so far."""
        metric._check_definition()
        definition = metric._definition()
        counted = self._counted(definition) if definition.kind != "gauge" else {}
        with limited(self.env):
            if definition.kind == "gauge":
                series, _folded = definition.series(self.env, definition.by_size(definition.groups(self.env)))
            else:
                own = OwnMetric(definition.name, "counter", definition.help)
                own.texts = [list(texts.items()) for texts in definition.texts(self.env, counted)]
                series = own.named(counted).items()
        self.search([("create_uid", "=", self.env.uid), ("metric_id", "=", metric.id)]).unlink()
        names = [dimension.label for dimension in definition.dimensions]
        self.create(
            [
                {
                    "metric_id": metric.id,
                    "labels": ", ".join(f"{name}={text}" for name, text in zip(names, labels, strict=True)),
                    "value": value,
                }
                for labels, value in series
            ]
        )
        return {
            "type": "ir.actions.act_window",
            "name": metric.series,
            "res_model": self._name,
            "view_mode": "list",
            "views": [(False, "list")],
            "domain": [("create_uid", "=", self.env.uid), ("metric_id", "=", metric.id)],
            "target": "new",
        }

    def _counted(self, definition):
        """Return {raw label values: number} of what a counter has counted so far."""
        ledger, metric = self.env["telemetry.ledger"], definition.counted()
        totals = ledger._totals({metric.name: metric}, admit=True)
        self.env.cr.execute(LOOK, ledger._parameters({metric.name: metric}))
        totals.add(self.env.cr.fetchall())
        return {labels: number for labels, _sample, number in totals.series(metric)}
