from odoo import fields, models


class ImageRequest(models.TransientModel):
    _name = "influencegen.image.request"
    _description = "AI image request"

    campaign_id = fields.Many2one("influencegen.campaign", domain=[("state", "=", "open")])
    model_id = fields.Many2one("influencegen.image.model", required=True)
    prompt = fields.Text(required=True)

    def action_request(self):
        """Request the image and show the request."""
        self.ensure_one()
        image = self.env["influencegen.image"]._request(self.model_id.code, self.prompt, campaign=self.campaign_id)
        return {
            "type": "ir.actions.act_window",
            "res_model": image._name,
            "res_id": image.id,
            "view_mode": "form",
        }
