import time
from itertools import product

import requests

from odoo import api, models

from odoo.addons.influencegen.models.api import CircuitOpen
from odoo.addons.influencegen.models.kyc import STEPS
from odoo.addons.odoo_telemetry.metrics import store

from .kyc import STEP_LATENCY

_APIS = {
    "n8n_webhook": "api_odoo_to_n8n_webhook",
    "kyc": "api_external_kyc_service",
    "payment": "api_payment_provider",
}
_ENDPOINTS = {"n8n_webhook": ("image",), "kyc": STEPS, "payment": ("transfer",)}
_FAILURES = ("3xx", "4xx", "5xx", "timeout", "connection_error")
_STATES = {"closed": 0, "half-open": 1, "open": 2}


class Api(models.AbstractModel):
    _inherit = "influencegen.api"

    @api.model
    def _start_at_zero(self):
        """Make what is counted of calls start at 0: a series that first appears at 1 hides that from ``rate()``."""
        database = self.env.cr.dbname
        for step in STEPS:
            store.start(STEP_LATENCY, ("kyc", step), database)
        for service, endpoints in _ENDPOINTS.items():
            for labels in product(endpoints, ("POST",), (*_FAILURES, "circuit_open")):
                store.start(f"{_APIS[service]}_errors_total", labels, database)
            for labels in product(endpoints, ("POST",), ("2xx", *_FAILURES)):
                store.start(f"{_APIS[service]}_latency_seconds", labels, database)

    @api.model
    def _send(self, service, endpoint, method, url, **kwargs):
        begun, status_class = time.perf_counter(), "connection_error"
        try:
            response = super()._send(service, endpoint, method, url, **kwargs)
            status_class = f"{response.status_code // 100}xx"
            return response
        except requests.Timeout:
            status_class = "timeout"
            raise
        finally:
            name, labels, database = _APIS.get(service), (endpoint, method, status_class), self.env.cr.dbname
            if name:
                store.observe(f"{name}_latency_seconds", time.perf_counter() - begun, labels, database)
            if name and status_class != "2xx":
                store.inc(f"{name}_errors_total", labels, database=database)

    @api.model
    def _call(self, service, endpoint, method, *args, **kwargs):
        try:
            return super()._call(service, endpoint, method, *args, **kwargs)
        except CircuitOpen:
            if service in _APIS:
                labels = (endpoint, method, "circuit_open")
                store.inc(f"{_APIS[service]}_errors_total", labels, database=self.env.cr.dbname)
            raise
        finally:
            state = _STATES[self._breaker(service).current_state]
            store.set("api_circuit_breaker_state", state, (service,), self.env.cr.dbname)
