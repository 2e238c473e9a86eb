from datetime import UTC, datetime

from odoo import api, models


class Reading(models.AbstractModel):
    _inherit = "telemetry.reading"

    @api.model
    def _gauges(self):
        """Return those of what is under way, too: indexes find it, however much is done."""
        return [*super()._gauges(), *self._under_way()]

    @api.model
    def _start_at_zero(self):
        super()._start_at_zero()
        self.env["influencegen.api"]._start_at_zero()

    def _under_way(self):
        env = self.sudo().env
        kyc, images = env["influencegen.kyc"], env["influencegen.image"]
        yield "ai_image_generation_pending", (), images.search_count([("state", "in", ("requested", "processing"))])
        yield from self._kyc_queue(kyc, "submitted", "submitted_at")
        yield from self._kyc_queue(kyc, "review", "review_requested_at")

    def _kyc_queue(self, kyc, state, since):
        [(number, oldest)] = kyc._read_group([("state", "=", state)], [], ["__count", f"{since}:min"])
        yield "influencer_kyc_queue_length", (state,), number
        age = (_utcnow() - oldest).total_seconds() if oldest else 0.0
        yield "influencer_kyc_queue_oldest_age_seconds", (state,), age


def _utcnow():
    return datetime.now(UTC).replace(tzinfo=None)
