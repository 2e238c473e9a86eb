"""Odoo 20.0, as far as the hooks touch it: a small model of its interfaces, written from reading its source.

It has their names, signatures and order of calls, and nothing of what they do. That the hooks work on it shows that
they fit these interfaces; it is not a test on Odoo 20.0.
"""

import contextvars
import threading
from collections import OrderedDict
from types import ModuleType, SimpleNamespace

ROUTES = {"/web/login": SimpleNamespace(rule="/web/login", endpoint=SimpleNamespace(routing={"auth": "none"}))}


class Conflict(Exception):
    """A serialization failure, after which a request runs again."""


class LRU:
    """A cache with an order of use that ``_values`` does not change."""

    def __init__(self):
        self._lock, self._values = threading.RLock(), OrderedDict()


def odoo20():
    """Return {name: module} of a new model of Odoo 20.0."""
    modules = {}

    def module(name, **content):
        made = modules[name] = ModuleType(name)
        vars(made).update(content)
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(modules[parent], last, made)
        return made

    module("odoo", SUPERUSER_ID=1, evented=False)
    module("odoo.release", series="20.0", version="20.0", version_info=(20, 0, 0, "final", 0, ""))
    config = {
        "workers": 0, "max_cron_threads": 0, "http_port": 1, "gevent_port": 2, "server_wide_modules": ["base", "web"],
    }  # fmt: skip
    module("odoo.tools", config=config, SQL=str)
    module("odoo.tools.misc", Callbacks=type("Callbacks", (), {"add": lambda self, func: func}))
    module("odoo.exceptions", AccessDenied=type("AccessDenied", (Exception,), {}))
    pool = type("ConnectionPool", (), {"borrow": lambda self, connection_info: None})
    module(
        "odoo.sql_db", connection_info_for=lambda database: (database, {}), ConnectionPool=pool,
        PoolError=type("PoolError", (Exception,), {}), _Pool=None, _Pool_readonly=None, Cursor=_cursor(),
    )  # fmt: skip
    module("odoo.models", Constraint=object, BaseModel=_base_model())
    module("odoo.modules")
    module("odoo.modules.registry", Registry=SimpleNamespace(registries=LRU()))
    module("odoo.orm")
    module("odoo.orm.cache", _COUNTERS={})
    module("odoo.service")
    module("odoo.service.server", Worker=_worker())
    module("odoo.service.model", dispatch=lambda method, params: params)
    http = module("odoo.http", request_var=contextvars.ContextVar("request"))
    http.__path__ = []
    module("odoo.http.dispatcher", HttpDispatcher=object)
    _route(module("odoo.http.router"), http.request_var)
    return modules


def _cursor():
    class Cursor:
        def execute(self, query, params=None, log_exceptions=True):
            pass

    return Cursor


def _base_model():
    class BaseModel:
        def _create(self, data_list):
            pass

        def _write_multi(self, vals_list):
            pass

    return BaseModel


def _worker():
    class Worker:
        def __init__(self, multi):
            self.multi = multi

        def start(self):
            pass

        def stop(self):
            pass

    return Worker


def _route(router, request_var):
    """Give the module ``router`` functions where there were methods of ``Request``; they look one another up in it."""

    def retrying(func, env, *, close_on_commit=True):
        while True:
            try:
                return func()
            except Conflict:
                continue

    def _set_request_dispatcher(request, rule):
        request.rule = rule

    def serve_static(request):
        return "200 OK"

    def serve_db(request):
        rule = ROUTES.get(request.httprequest.path)
        if rule is None:
            return "404 NOT FOUND"
        router._set_request_dispatcher(request, rule)
        router.retrying(request.endpoint, env=request.env)
        return "200 OK"

    class Application:
        nodb_routing_map = SimpleNamespace(iter_rules=lambda: ROUTES.values())

        def __call__(self, environ, start_response):
            request = environ["model.request"]
            reset = request_var.set(request)
            try:
                static = "/static/" in request.httprequest.path
                status = (router.serve_static if static else router.serve_db)(request)
                start_response(status, [])
                return [b""]
            finally:
                request_var.reset(reset)

    vars(router).update(
        retrying=retrying,
        _set_request_dispatcher=_set_request_dispatcher,
        serve_static=serve_static,
        serve_db=serve_db,
        Application=Application,
        root=Application(),
    )
