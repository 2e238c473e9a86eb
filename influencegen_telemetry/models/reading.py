from datetime import UTC, datetime

from odoo import api, models

from ..business.metrics import IMAGES_PENDING, KYC_QUEUE_LENGTH, KYC_QUEUE_OLDEST_AGE


class Reading(models.AbstractModel):
    _inherit = "telemetry.reading"

    @api.model
    def _gauges(self):
        """Add the gauges of pending records, which indexes find however many records are done."""
        return [*super()._gauges(), *self._under_way()]

    @api.model
    def _start_at_zero(self):
        super()._start_at_zero()
        self.env["influencegen.api"]._start_at_zero()

    def _under_way(self):
        env = self.sudo().env
        kyc, images = env["influencegen.kyc"], env["influencegen.image"]
        yield IMAGES_PENDING.sample(images.search_count([("state", "in", ("requested", "processing"))]))
        yield from self._kyc_queue(kyc, "submitted", "submitted_at")
        yield from self._kyc_queue(kyc, "review", "review_requested_at")

    def _kyc_queue(self, kyc, state, since):
        [(number, oldest)] = kyc._read_group([("state", "=", state)], [], ["__count", f"{since}:min"])
        yield KYC_QUEUE_LENGTH.sample(number, state=state)
        age = (_utcnow() - oldest).total_seconds() if oldest else 0.0
        yield KYC_QUEUE_OLDEST_AGE.sample(age, state=state)


def _utcnow():
    return datetime.now(UTC).replace(tzinfo=None)
