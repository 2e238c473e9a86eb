from odoo import api, models

from ..instrumentation import tracing


class Image(models.Model):
    _inherit = "influencegen.image"

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
