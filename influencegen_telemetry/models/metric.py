from odoo import api, models

from ..business import SPECIFICATION

_SPECIFIED = {
    series: requirement.name for requirement in reversed(SPECIFICATION.values()) for series in requirement.series
}


class Metric(models.AbstractModel):
    _inherit = "telemetry.metric"

    @api.model
    def _row(self, families, family):
        row = super()._row(families, family)
        return {**row, "specification": _SPECIFIED.get(row["name"], False)}
