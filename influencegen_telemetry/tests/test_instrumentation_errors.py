import logging

import psycopg2

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, tagged

from ..instrumentation import errors
from .instrumentation_case import value

ERRORS = "odoo_application_errors_total"
HERE = "influencegen_telemetry"


def _raised(exception, module="odoo.addons.shop.models.order"):
    """Return ``exception`` after it was raised by a function of ``module``."""
    scope = {"__name__": module, "exception": exception}
    exec("def fail():\n    raise exception", scope)
    try:
        scope["fail"]()
    except Exception as raised:
        return raised


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
        )
        for exception, module, expected in cases:
            with self.subTest(module=module, exception=exception):
                self.assertEqual(errors.describe(_raised(exception, module)), expected)

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
