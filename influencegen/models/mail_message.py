from odoo import models
from odoo.exceptions import AccessError

TRAIL = {
    "author_id", "body", "create_date", "date", "email_from", "message_type", "model", "res_id", "subject",
    "subtype_id", "tracking_value_ids",
}  # fmt: skip
"""Fields of a message that record who changed what, and when."""


class MailMessage(models.Model):
    """Whoever may write to a record may write to its messages; those with tracked changes stay as they are."""

    _inherit = "mail.message"

    def write(self, vals):
        if TRAIL.intersection(vals):
            self._influencegen_check_trail()
        return super().write(vals)

    def unlink(self):
        self._influencegen_check_trail()
        return super().unlink()

    def _influencegen_check_trail(self):
        """Raise AccessError if one of these messages has tracked changes of a record of InfluenceGen."""
        if not self.env.su and any(
            message.tracking_value_ids for message in self.sudo() if (message.model or "").startswith("influencegen.")
        ):
            raise AccessError(self.env._("Tracked changes can't be edited or deleted."))


class MailTrackingValue(models.Model):
    _inherit = "mail.tracking.value"

    def write(self, vals):
        self.sudo().mail_message_id.sudo(self.env.su)._influencegen_check_trail()
        return super().write(vals)

    def unlink(self):
        self.sudo().mail_message_id.sudo(self.env.su)._influencegen_check_trail()
        return super().unlink()
