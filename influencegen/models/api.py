import logging
import threading

import requests
from pybreaker import CircuitBreaker, CircuitBreakerError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from odoo import api, models

FAILURES_TO_OPEN = 5
SECONDS_OPEN = 30
ASK_LATER = {408, 409, 425, 429}
WAIT = wait_exponential_jitter(multiplier=0.2, max=5, jitter=0.2)

_logger = logging.getLogger(__name__)

_breakers = {}
_breakers_lock = threading.Lock()


class ApiError(Exception):
    """A call to an external service came to nothing; `reason` says why, in words for a record or a log."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason


class Refused(ApiError):
    """The service understood and said no: asking again would not help."""


class Busy(ApiError):
    """The service asks to be called later (408, 409, 425, 429): worth a retry, but no failure of the service."""


class Unavailable(ApiError):
    """The service failed (no connection, time-out, 5xx, an unreadable answer): worth a retry."""


class NoAddress(ApiError):
    """The address of the service is not set, as in a neutralized copy of a database: nothing is sent."""


class CircuitOpen(ApiError):
    """The service failed too often and isn't called for a while."""


class Breaker(CircuitBreaker):
    """A circuit breaker that lets calls run side by side.

    pybreaker holds its lock for the length of the call, so that all threads would queue behind one slow answer.
    """

    def call(self, func, *args, **kwargs):
        return self.state.call(func, *args, **kwargs)


class Api(models.AbstractModel):
    """The client for the services outside: bounded retries with jitter, behind a circuit breaker per service."""

    _name = "influencegen.api"
    _description = "Client for external services"

    @api.model
    def _breaker(self, service):
        """Return the circuit breaker of `service` in this process and database."""
        key = (self.env.cr.dbname, service)
        with _breakers_lock:
            if key not in _breakers:
                _breakers[key] = Breaker(
                    fail_max=FAILURES_TO_OPEN,
                    reset_timeout=SECONDS_OPEN,
                    exclude=[lambda error: not isinstance(error, Unavailable)],
                    name=service,
                    throw_new_error_on_trip=False,
                )
            return _breakers[key]

    @api.model
    def _label(self, service):
        """Return the name of `service` (str) as people read it."""
        labels = {"kyc": self.env._("KYC service"), "payment": self.env._("Payment service"), "n8n_webhook": "n8n"}
        return labels.get(service, service)

    @api.model
    def _address(self, service, name):
        """Return the address of `service`, which is the parameter `influencegen.<name>`.

        :raises NoAddress: when it is not set
        """
        address = self.env["ir.config_parameter"].sudo().get_param(f"influencegen.{name}")
        if not address:
            raise NoAddress(self.env._("%s has no address: set it in Settings, InfluenceGen", self._label(service)))
        return address

    @api.model
    def _send(self, service, endpoint, method, url, **kwargs):
        """Send one HTTP request, once, and return its `requests.Response`; `requests` exceptions pass through."""
        return requests.request(method, url, **kwargs)  # pylint: disable=external-request-timeout

    @api.model
    def _call(self, service, endpoint, method, url, *, timeout, attempts=3, parse=None, **kwargs):
        """Call an external service and return its `requests.Response`, or what `parse` makes of it.

        :param service: name of the service, which chooses the circuit breaker
        :param endpoint: name of the operation, for those who measure
        :param timeout: seconds to wait for the connection, and again for the answer, of each attempt
        :param attempts: maximum number of attempts
        :param parse: function of the response; ValueError, TypeError or KeyError from it mean an unreadable answer
        :raises ApiError: refused (3xx, 4xx), busy or failed in the last attempt, or the circuit is open
        """

        def attempt():
            try:
                response = self._send(service, endpoint, method, url, timeout=timeout, **kwargs)
            except requests.RequestException as error:
                # the technical cause is for whoever operates the server, not for the reader of the record
                _logger.info("%s can't be reached: %s", service, error)
                raise Unavailable(self.env._("%(service)s can't be reached", **names)) from error
            status = response.status_code
            if status >= 300:
                kind = Unavailable if status >= 500 else Busy if status in ASK_LATER else Refused
                raise kind(self.env._("%(service)s returned HTTP status %(status)s", **names, status=status))
            if parse is None:
                return response
            try:
                return parse(response)
            except (ValueError, TypeError, KeyError) as error:
                raise Unavailable(self.env._("%(service)s returned an unreadable response", **names)) from error

        names = {"service": self._label(service)}
        retrying = Retrying(
            stop=stop_after_attempt(attempts),
            wait=WAIT,
            retry=retry_if_exception_type((Busy, Unavailable)),
            reraise=True,
        )
        try:
            return retrying(self._breaker(service).call, attempt)
        except CircuitBreakerError as error:
            raise CircuitOpen(
                self.env._("%(service)s is unavailable: its circuit breaker is open after repeated failures", **names)
            ) from error
