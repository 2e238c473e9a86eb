from odoo import api, models

from ..hooks import PARAMETERS


class IrConfigParameter(models.Model):
    _inherit = "ir.config_parameter"

    @api.model_create_multi
    def create(self, vals_list):
        parameters = super().create(vals_list)
        parameters._publish_telemetry(parameters.mapped("key"))
        return parameters

    def write(self, vals):
        keys = self.mapped("key")
        done = super().write(vals)
        self._publish_telemetry([*keys, *self.mapped("key")])
        return done

    def unlink(self):
        keys = self.mapped("key")
        done = super().unlink()
        self._publish_telemetry(keys)
        return done

    def _publish_telemetry(self, keys):
        """Publish telemetry's settings after each change, wherever it is made, if they are among ``keys`` (list)."""
        if any(key.startswith(PARAMETERS) for key in keys):
            self.env["telemetry.settings"]._publish()
