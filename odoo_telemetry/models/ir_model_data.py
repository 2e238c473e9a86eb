from odoo import api, models


class IrModelData(models.Model):
    _inherit = "ir.model.data"

    @api.model
    def _process_end(self, modules):
        """Take off the facts that no addon has any more, too: all addons are loaded now."""
        super()._process_end(modules)
        self.env["telemetry.ledger"]._follow_facts()
