from odoo import fields, models

from ..compat import Constraint


class ImageModel(models.Model):
    _name = "influencegen.image.model"
    _description = "AI image model"
    _inherit = ["influencegen.guarded", "mail.thread"]
    _order = "name"

    name = fields.Char(required=True)
    code = fields.Char(required=True, help="Identifier of the model in the AI service.", tracking=True)
    price_usd = fields.Float(string="Price (USD)", digits=(16, 4), help="Cost per image.", tracking=True)
    active = fields.Boolean(default=True, tracking=True)

    _code_unique = Constraint("unique (code)", "There is already an image model with this code.")
    _price_positive = Constraint("check (price_usd >= 0)", "A price can't be negative.")
