import time
from itertools import product

import requests

from odoo import api, models

from odoo.addons.influencegen.models.api import CircuitOpen
from odoo.addons.influencegen.models.kyc import STEPS

from ..business.metrics import (
    CIRCUIT_BREAKER_STATE,
    KYC_SERVICE,
    KYC_STEP_LATENCY,
    N8N_WEBHOOK,
    PAYMENT_PROVIDER,
)

_APIS = {"n8n_webhook": N8N_WEBHOOK, "kyc": KYC_SERVICE, "payment": PAYMENT_PROVIDER}
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
            KYC_STEP_LATENCY.start(database=database, verification_service="kyc", step_name=step)
        for service, endpoints in _ENDPOINTS.items():
            for endpoint, status_class in product(endpoints, (*_FAILURES, "circuit_open")):
                _APIS[service].errors.start(database=database, **_labels(endpoint, "POST", status_class))
            for endpoint, status_class in product(endpoints, ("2xx", *_FAILURES)):
                _APIS[service].latency.start(database=database, **_labels(endpoint, "POST", status_class))

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
            measured, labels = _APIS.get(service), _labels(endpoint, method, status_class)
            if measured:
                measured.latency.observe(time.perf_counter() - begun, database=self.env.cr.dbname, **labels)
            if measured and status_class != "2xx":
                measured.errors.inc(database=self.env.cr.dbname, **labels)

    @api.model
    def _call(self, service, endpoint, method, *args, **kwargs):
        try:
            return super()._call(service, endpoint, method, *args, **kwargs)
        except CircuitOpen:
            if service in _APIS:
                labels = _labels(endpoint, method, "circuit_open")
                _APIS[service].errors.inc(database=self.env.cr.dbname, **labels)
            raise
        finally:
            state = _STATES[self._breaker(service).current_state]
            CIRCUIT_BREAKER_STATE.set(state, database=self.env.cr.dbname, dependency=service)


def _labels(endpoint, method, status_class):
    return {"endpoint": endpoint, "http_method": method, "status_code_class": status_class}
