from odoo import api, models

from ..instrumentation import tracing
from ..metrics import facts


class Image(models.Model):
    _inherit = "influencegen.image"

    @api.model_create_multi
    def create(self, vals_list):
        images = super().create(vals_list)
        facts.count(self.env.cr, "ai_image_generation_requests_total", amount=len(images))
        return images

    def _transition(self, state, **values):
        super()._transition(state, **values)
        if state == "done":
            facts.count(self.env.cr, "ai_image_generation_success_total", amount=len(self))
            for image in self:
                name = "ai_image_generation_end_to_end_latency_seconds"
                facts.observe_between(self.env.cr, name, image.requested_at, image.finished_at)
        elif state in ("failed", "timed_out"):
            facts.count(self.env.cr, "ai_image_generation_failures_total", (state,), len(self))

    @api.model
    def _request(self, model_code, prompt, parameters=None, campaign=None):
        with tracing.span("influencegen.image request"):
            return super()._request(model_code, prompt, parameters, campaign)

    def _deliver(self):
        with tracing.span("influencegen.image deliver", **self._telemetry_identity()):
            return super()._deliver()

    @api.model
    def _receive(self, payload, signature):
        with tracing.span("influencegen.image receive"):
            return super()._receive(payload, signature)

    def _store(self, encoded):
        with tracing.span("influencegen.image store", **self._telemetry_identity()):
            return super()._store(encoded)

    def _telemetry_identity(self):
        return {"influencegen.request_id": self.uuid}
