import functools
import logging
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import psycopg2
from werkzeug.exceptions import BadRequest, ServiceUnavailable

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, HttpCase, mute_logger, tagged

from ..metrics import store
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


@tagged("post_install", "-at_install")
class TestServed(HttpCase):
    """Whether an error counts depends on the status that its request is answered with."""

    def counted(self, failure, answer=None, **request):
        """Return the errors that are counted for a request that ends with ``failure``, as {class: number}.

        :param failure: exception, or function that raises one
        :param answer: what the dispatcher makes of it, if not what Odoo's does
        """
        before = self.errors()
        with ExitStack() as stack:
            stack.enter_context(_counted_and_muted("odoo.http", "odoo.shop"))
            stack.enter_context(patch("odoo.addons.base.models.ir_http.IrHttp._dispatch", side_effect=failure))
            if answer:
                stack.enter_context(patch("odoo.http.HttpDispatcher.handle_error", return_value=answer))
            self.status = self.url_open("/web/health", **request).status_code
        after = self.errors()
        return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}

    def errors(self):
        found = {}
        for (metric, _database, labels, _sample), number in store.reader.values()[0].items():
            if metric == ERRORS:
                found[labels[1]] = found.get(labels[1], 0) + number
        return found

    def test_what_is_answered_below_500_was_handled(self):
        # as the dispatchers of FastAPI and base_rest do, after which Odoo logs it as an error
        self.assertEqual(self.counted(KeyError("x"), BadRequest()), {})
        self.assertEqual(self.status, 400)

    def test_what_was_logged_before_and_led_to_the_answer_was_handled(self):
        def fail(_endpoint):
            try:
                raise KeyError("x")
            except KeyError as error:
                logging.getLogger("odoo.shop").exception("no such order")
                raise BadRequest from error

        self.assertEqual(self.counted(fail), {})
        self.assertEqual(self.status, 400)

    def test_what_was_logged_beside_the_answer_was_not_handled(self):
        def fail(_endpoint):
            try:
                raise KeyError("x")
            except KeyError:
                logging.getLogger("odoo.shop").exception("no mail")
            raise BadRequest

        self.assertEqual(self.counted(fail), {"KeyError": 1})
        self.assertEqual(self.status, 400)

    def test_a_5xx_counts_once(self):
        self.assertEqual(self.counted(ZeroDivisionError()), {"ZeroDivisionError": 1})
        self.assertEqual(self.status, 500)

    def test_a_5xx_that_odoo_does_not_log_counts_once(self):
        self.assertEqual(self.counted(ServiceUnavailable()), {"ServiceUnavailable": 1})
        self.assertEqual(self.status, 503)

    def test_a_5xx_whose_cause_was_logged_counts_once(self):
        def fail(_endpoint):
            try:
                raise KeyError("x")
            except KeyError as error:
                logging.getLogger("odoo.shop").exception("no such order")
                raise ServiceUnavailable from error

        self.assertEqual(self.counted(fail), {"KeyError": 1})

    def test_json_rpc_answers_an_error_with_200(self):
        before = self.errors().get("ZeroDivisionError", 0)
        failing = patch("odoo.addons.base.models.ir_http.IrHttp._dispatch", side_effect=ZeroDivisionError)
        with failing, _counted_and_muted("odoo.http"):
            answer = self.url_open(
                "/web/webclient/version_info", data="{}", headers={"Content-Type": "application/json"}
            )
        self.assertEqual(answer.status_code, 200)
        self.assertIn("error", answer.json())
        self.assertEqual(self.errors()["ZeroDivisionError"], before + 1)


@contextmanager
def _counted_and_muted(*loggers):
    """Keep what ``loggers`` log from the root logger's handlers, but for the one that counts."""
    with mute_logger(*loggers):
        for logger in map(logging.getLogger, loggers):
            logger.addHandler(errors._handler)
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger in map(logging.getLogger, loggers):
                logger.setLevel(logging.NOTSET)


def _record(level, exception):
    exc_info = exception and (type(exception), exception, exception.__traceback__)
    return logging.LogRecord("odoo.x", level, __file__, 1, "failed", (), exc_info)
