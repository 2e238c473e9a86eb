from functools import partial

from odoo import api, models

from odoo.addons.odoo_telemetry.odoo_hooks import tracing

from ..business.metrics import IMAGE_LATENCY


class Image(models.Model):
    _inherit = "influencegen.image"

    def _transition(self, state, **values):
        super()._transition(state, **values)
        if state == "done":
            for image in self:
                seconds = (image.finished_at - image.requested_at).total_seconds() if image.finished_at else 0.0
                exemplify = partial(IMAGE_LATENCY.exemplify, seconds, database=self.env.cr.dbname)
                self.env.cr.postcommit.add(exemplify)

    @api.model
    def _request(self, model_code, prompt, parameters=None, campaign=None):
        with tracing.span("influencegen.image request"):
            return super()._request(model_code, prompt, parameters, campaign)

    def _deliver(self):
        with tracing.span("influencegen.image deliver", **self._telemetry_identity(), **self._telemetry_generation()):
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

    def _telemetry_generation(self):
        """Return the attributes of the call to the AI service (dict), which n8n makes for Odoo: no prompt."""
        return {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.output.type": "image",
            "gen_ai.provider.name": "influencegen.ai_service",
            "gen_ai.request.model": self.model_id.code,
        }
