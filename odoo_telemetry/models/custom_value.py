from odoo import api, fields, models

from ..facts.rollup import LOOK
from ..metrics.custom import CustomMetric


class CustomValue(models.TransientModel):
    """The values that a custom metric has now, as rows of their own for each user who looks at them."""

    _name = "telemetry.own.value"
    _description = "Value of a custom metric"
    _order = "id"

    metric_id = fields.Many2one("telemetry.own.metric", required=True, ondelete="cascade", readonly=True)
    labels = fields.Char(readonly=True)
    value = fields.Float(readonly=True, digits=(16, 6))

    @api.model
    def _open(self, metric):
        """Read ``metric`` and return the action that shows its values; of a counter, what it has counted so far."""
        _sentence, shown = metric._measure()
        self.search([("create_uid", "=", self.env.uid), ("metric_id", "=", metric.id)]).unlink()
        self.create(
            [
                {
                    "metric_id": metric.id,
                    "labels": ", ".join(f"{name}={text}" for name, text in zip(shown["labels"], labels, strict=True)),
                    "value": value,
                }
                for labels, value in shown["series"]
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
        """Return [(label values, value)] of what a counter has counted so far."""
        ledger, metric = self.env["telemetry.ledger"], definition.counted()
        totals = ledger._totals({metric.name: metric}, admit=True)
        self.env.cr.execute(LOOK, ledger._parameters({metric.name: metric}))
        totals.add(self.env.cr.fetchall())
        counted = {labels: number for labels, _sample, number in totals.series(metric)}
        custom = CustomMetric(definition.name, "counter", definition.help)
        custom.texts = [list(texts.items()) for texts in definition.texts(self.env, counted)]
        return list(custom.named(counted).items())
