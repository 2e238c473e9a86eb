"""Retries: Odoo runs a request's code again after a serialization failure; its attempts are those of the first run."""

import functools

from ..metrics import attempts
from .http_layer import CURRENT, current_request
from .patch import Patch
from .probe import find


def _scoped(retrying):
    @functools.wraps(retrying)
    def scoped_retrying(func, env, **options):
        request = current_request()
        scope = attempts.Scope()
        if request is not None:
            scope = vars(request).setdefault("telemetry_attempts", scope)

        def run():
            scope.restart()
            return func()

        with attempts.scope(scope):
            return retrying(run, env, **options)

    return scoped_retrying


_PATCH = Patch(("odoo.http.router:retrying", "odoo.service.model:retrying"), _scoped)


def install():
    """Track retries, so that an attempt of a retried request is counted once."""
    find(*CURRENT)
    _PATCH.install()


def uninstall():
    """Stop tracking retries."""
    _PATCH.uninstall()
