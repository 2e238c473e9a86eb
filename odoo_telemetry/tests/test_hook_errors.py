import functools
import logging

import psycopg2

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, tagged

from ..odoo_hooks import errors, retries
from .hook_case import value

ERRORS = "odoo_application_errors_total"
HERE = "odoo_telemetry"


def _raised(exception, module="odoo.addons.shop.models.order"):
    """Return ``exception`` after it was raised by a function of ``module``."""
    scope = {"__name__": module, "exception": exception}
    exec("def fail():\n    raise exception", scope)
    try:
        scope["fail"]()
    except Exception as raised:
        return raised


def _function(module, body="raise ValueError", name="search_count", arguments="()", **names):
    """Return a function ``name`` of ``module`` that does ``body``, which knows ``names``."""
    scope = {"__name__": module, **names}
    exec(f"def {name}{arguments}:\n    {body}", scope)
    return scope[name]


def _caught(function):
    try:
        function()
    except ValueError as caught:
        return caught


@tagged("post_install", "-at_install")
class TestErrors(BaseCase):
    def test_description(self):
        shop, controller = "odoo.addons.shop.models.order", "odoo.addons.shop.controllers.main"
        cases = (
            (ZeroDivisionError(), shop, ("python_exception", "ZeroDivisionError", "shop")),
            (ZeroDivisionError(), controller, ("controller_error", "ZeroDivisionError", "shop")),
            (psycopg2.OperationalError(), shop, ("orm_error", "OperationalError", "shop")),
            (psycopg2.errors.UniqueViolation(), controller, ("orm_error", "UniqueViolation", "shop")),
            (ValidationError("no"), shop, ("orm_error", "ValidationError", "shop")),
            (KeyError("x"), "odoo.models", ("orm_error", "KeyError", HERE)),
            (KeyError("x"), "odoo.orm.fields", ("orm_error", "KeyError", HERE)),
            (KeyError("x"), "odoo.modelsmith", ("python_exception", "KeyError", HERE)),
            (KeyError("x"), f"odoo.addons.{HERE}.models.x", ("python_exception", "KeyError", HERE)),
        )
        for exception, module, expected in cases:
            with self.subTest(module=module, exception=exception):
                self.assertEqual(errors.describe(_raised(exception, module)), expected)

    def test_the_instrumentation_that_passes_a_call_on_did_not_fail(self):
        fails = functools.partial(_function("odoo.models"))
        passes_on = retries._scoped(_function("odoo.service.model", "return args[0]()", "retrying", "(*args)"))
        self.assertEqual(
            errors._modules(_caught(lambda: passes_on(fails, None)))[1:], ["odoo.service.model", "odoo.models"]
        )

    def test_an_override_that_calls_super_did_not_fail(self):
        shop = _function("odoo.addons.shop.api")
        override = _function(f"odoo.addons.{HERE}.models.api", "return below()", below=shop)
        self.assertEqual(errors.describe(_caught(override))[2], "shop")

    def test_code_of_telemetry_that_calls_odoo_wrongly_failed(self):
        below = _function("odoo.models")
        caller = _function(f"odoo.addons.{HERE}.controllers.x", "return below()", "caller", below=below)
        self.assertEqual(errors.describe(_caught(caller)), ("orm_error", "ValueError", HERE))

    def test_without_a_traceback_or_an_addon_it_is_odoo(self):
        self.assertEqual(errors.describe(KeyError()), ("python_exception", "KeyError", "odoo"))

    def test_an_exception_counts_once_however_often_it_is_logged(self):
        labels = "python_exception", "ZeroDivisionError", HERE
        before = value(ERRORS, labels)
        handler = errors.ErrorCounter()
        exception = _raised(ZeroDivisionError(), f"odoo.addons.{HERE}.models.x")
        for level in (logging.ERROR, logging.CRITICAL):
            handler.handle(_record(level, exception))
        self.assertEqual(value(ERRORS, labels), before + 1)

    def test_only_errors_with_an_exception_count(self):
        labels = "python_exception", "ArithmeticError", HERE
        before = value(ERRORS, labels)
        root = logging.getLogger()
        self.assertIn(errors._handler, root.handlers)
        for record in (
            _record(logging.WARNING, _raised(ArithmeticError(), f"odoo.addons.{HERE}.models.x")),
            _record(logging.ERROR, None),
        ):
            if record.levelno >= errors._handler.level:
                errors._handler.handle(record)
        self.assertEqual(value(ERRORS, labels), before)


def _record(level, exception):
    exc_info = exception and (type(exception), exception, exception.__traceback__)
    return logging.LogRecord("odoo.x", level, __file__, 1, "failed", (), exc_info)
