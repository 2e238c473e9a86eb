from odoo import api, fields, models


class CustomDimension(models.Model):
    """A label of a custom metric."""

    _name = "telemetry.own.dimension"
    _description = "Label of a custom metric"
    _order = "id"

    metric_id = fields.Many2one("telemetry.own.metric", required=True, index=True, ondelete="cascade")
    model_id = fields.Many2one(related="metric_id.model_id")
    field_id = fields.Many2one(
        "ir.model.fields",
        required=True,
        ondelete="cascade",
        domain="[('model_id', '=', model_id), ('store', '=', True),"
        " ('ttype', 'in', ('selection', 'boolean', 'many2one'))]",
    )
    label = fields.Char(
        "Label name",
        compute="_compute_label",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        help="The label's name in Prometheus.",
    )
    limit = fields.Integer(
        help="Maximum number of values; further ones are aggregated as 'other'. 0: as many as the series limit of the"
        " metric allows, 20 at most. Selections and booleans are not limited.",
    )

    @api.depends("field_id")
    def _compute_label(self):
        for dimension in self:
            dimension.label = dimension.field_id.name

    @api.constrains("field_id", "label", "limit")
    def _check_metric(self):
        self.metric_id._check_definition()

    @api.model_create_multi
    def create(self, vals_list):
        dimensions = super().create(vals_list)
        dimensions.metric_id._redefine_dimensions()
        return dimensions

    def write(self, vals):
        done = super().write(vals)
        self.metric_id._redefine_dimensions()
        return done

    def unlink(self):
        metrics = self.metric_id
        done = super().unlink()
        metrics._redefine_dimensions()
        return done
