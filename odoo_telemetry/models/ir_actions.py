from odoo import api, models
from odoo.tools import SQL, ormcache


class IrActions(models.Model):
    _inherit = "ir.actions.actions"

    @api.model
    @ormcache()
    def _telemetry_external_ids(self):
        """Return a frozenset of the external ids (str) of all actions; read once for each process."""
        self.env.cr.execute(SQL("SELECT module || '.' || name FROM ir_model_data WHERE model LIKE %s", "ir.actions.%"))
        return frozenset(external_id for (external_id,) in self.env.cr.fetchall())
