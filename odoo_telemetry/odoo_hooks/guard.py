"""Exceptions in hooks while Odoo runs: counted, and kept from propagating into Odoo."""

import functools

from ..metrics import store


def guarded(function):
    """Return ``function`` with its exceptions counted as errors of hooks instead of raised; it returns None then."""

    @functools.wraps(function)
    def call(*arguments):
        try:
            return function(*arguments)
        except Exception as exception:
            name = getattr(function, "__qualname__", function)
            store.errors.count("hook", "%s failed: %s: %s", name, type(exception).__name__, exception)

    return call
