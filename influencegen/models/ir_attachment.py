from odoo import models
from odoo.exceptions import AccessError

EVIDENCE = ("influencegen.kyc", "influencegen.image")
"""Models whose field `attachment_id` is evidence: an identity document that was checked, an image that was paid for."""


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def write(self, vals):
        if vals.keys() == {"thumbnail"}:
            # Odoo 19's web client sends a thumbnail of each PDF that it lists: evidence gets none from a browser
            return super(IrAttachment, self - self._influencegen_evidence()).write(vals)
        # what stays as it is may be written: Odoo does so when it moves files to another storage
        if any(file[name] != value for file in self._influencegen_evidence() for name, value in vals.items()):
            self._influencegen_refuse()
        return super().write(vals)

    def unlink(self):
        if self._influencegen_evidence():
            self._influencegen_refuse()
        return super().unlink()

    def _influencegen_evidence(self):
        """Return those of these files that are evidence; the files of deleted records are not any more."""
        evidence = self.browse().sudo()
        if self.env["influencegen.guarded"]._is_system():
            return evidence
        for model in EVIDENCE:
            if ids := [file.id for file in self.sudo() if file.res_model == model]:
                evidence |= self.env[model].sudo().search([("attachment_id", "in", ids)]).attachment_id
        return evidence

    def _influencegen_refuse(self):
        raise AccessError(
            self.env._("Identity documents and AI images can't be changed or deleted once they are stored.")
        )
