from odoo import api, models


class IrModelData(models.Model):
    _inherit = "ir.model.data"

    @api.model
    def _process_end(self, modules):
        """Also remove triggers and audits of facts that no addon declares any more, if all addons could be loaded."""
        super()._process_end(modules)
        self.env["telemetry.mail.queue"]._make_index()
        present = self.env["ir.module.module"].search([("state", "in", ("installed", "to upgrade", "to remove"))])
        if self.pool._init_modules.issuperset(present.mapped("name")):
            self.env["telemetry.ledger"]._follow_facts()
