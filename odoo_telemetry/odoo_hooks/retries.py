"""Retries: Odoo runs a request's code again after a serialization failure; its attempts are those of the first run."""

import functools

from odoo import http
from odoo.service import model

from ..metrics import attempts
from .patch import Patch


def _scoped(retrying):
    @functools.wraps(retrying)
    def scoped_retrying(func, env):
        request = http._request_stack.top
        scope = attempts.Scope()
        if request is not None:
            scope = vars(request).setdefault("telemetry_attempts", scope)

        def run():
            scope.restart()
            return func()

        with attempts.scope(scope):
            return retrying(run, env)

    return scoped_retrying


_PATCH = Patch(model, "retrying", _scoped)


def install():
    """Count the attempts of a repeated request once."""
    _PATCH.install()


def uninstall():
    """Leave repetitions alone."""
    _PATCH.uninstall()
