"""The hooks on a model of Odoo 20.0's interfaces: see ``model.py`` for what that shows, and what it does not."""

import importlib
import logging
import sys
from types import SimpleNamespace

import pytest

from influencegen_telemetry.business.metrics import REGISTRATION_ATTEMPTS
from odoo_telemetry.metrics import attempts, errors, store
from tests.store import processes

from .conftest import PACKAGE
from .model import LRU, Conflict

REQUESTS = "odoo_http_requests_total"


def hook(name):
    """Return the module of a hook."""
    return importlib.import_module(f"{PACKAGE}.{name}")


def served(odoo, path, endpoint=lambda: None):
    """Return the status of a request for ``path``, which ``endpoint`` answers."""
    request = SimpleNamespace(
        httprequest=SimpleNamespace(path=path), session=SimpleNamespace(uid=None), db="db", registry=object(), env=None,
        endpoint=endpoint,
    )  # fmt: skip
    statuses = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "localhost", "model.request": request}
    odoo["odoo.http.router"].root(environ, lambda status, headers: statuses.append(status))
    return statuses[0]


def test_all_hooks_fit(hooks):
    assert hook("skipped").names() == []


def test_the_series_is_logged_as_not_tested(odoo, caplog):
    importlib.import_module(PACKAGE).install()
    assert [record.getMessage() for record in caplog.records] == [
        "Odoo 20.0 is not a tested version; tested versions: 18.0, 19.0"
    ]


def test_requests_are_measured_by_route(hooks, odoo, counted):
    hook("routes").learn("db", [("/web/login", {"auth": "none", "type": "http"})], ["web"])
    assert served(odoo, "/web/login") == "200 OK"
    assert served(odoo, "/web/static/x.js") == "200 OK"
    assert served(odoo, "/no/such") == "404 NOT FOUND"
    assert counted(REQUESTS, ("/web/login", "GET", "2xx", "public")) == 1
    assert counted(REQUESTS, ("/web/static", "GET", "2xx", "public")) == 1
    assert counted(REQUESTS, ("unmatched", "GET", "4xx", "public")) == 1
    assert counted("odoo_http_request_sql_statements_total", ("/web/login",)) == 3
    assert counted("odoo_http_request_sql_seconds_total", ("/web/login",)) == 0.5


def test_routes_without_a_database(hooks, odoo):
    assert hook("routes").shown(None, "/web/login") == "/web/login"


def test_a_retried_request_counts_its_attempts_once(hooks, odoo, counted):
    runs = []

    def register():
        attempts.count(REGISTRATION_ATTEMPTS, database="db")
        runs.append(1)
        if len(runs) < 3:
            raise Conflict

    served(odoo, "/web/login", register)
    assert len(runs) == 3
    assert counted("influencer_registration_attempts_total") == 1


def test_options_of_a_retry_are_passed_on(hooks, odoo):
    assert odoo["odoo.http.router"].retrying(lambda: 7, None, close_on_commit=False) == 7


def test_hits_and_misses_of_the_orm_cache(hooks, odoo, counted):
    odoo["odoo.orm.cache"]._COUNTERS["db", print] = SimpleNamespace(hit=5, miss=2)
    hook("orm_cache").flush()
    assert counted("odoo_orm_cache_hits_total", database=None) == 5
    assert counted("odoo_orm_cache_misses_total", database=None) == 2


def test_roles_are_read_from_the_newest_cache(hooks):
    method = object()
    users = SimpleNamespace(_get_group_ids=SimpleNamespace(__cache__=SimpleNamespace(method=method)))
    registry = type("Registry", (dict,), {})({"res.users": users})
    registry.registry_caches__ = {"default": (1, LRU())}
    ids = {"base.group_user": 4}
    env = type("Environment", (dict,), {})({"ir.model.data": SimpleNamespace(_xmlid_to_res_id=ids.get)})
    env.registry, env.cr = registry, SimpleNamespace(execute=lambda *_query: None, fetchall=lambda: [(3,)])
    hook("roles").learn(env)
    assert hook("roles").role(registry, 3) == "public"
    assert hook("roles").role(registry, 7) == "unknown"
    newer = LRU()
    newer._values["res.users", method, 7] = frozenset({4})
    registry.registry_caches__ = {"default": (2, newer)}
    assert hook("roles").role(registry, 7) == "user"


def test_probes_are_answered_ahead_of_odoo(hooks, odoo):
    statuses = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/telemetry/health/live"}
    assert odoo["odoo.http.router"].root(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["200 OK"]


def test_workers_are_counted(hooks, odoo, counted):
    worker = type("WorkerHTTP", (odoo["odoo.service.server"].Worker,), {})(SimpleNamespace(generation=9))
    worker.start()
    assert counted("odoo_workers_recycled_total", ("http",), None) == 1


def test_uninstall_leaves_odoo_as_it_was(odoo):
    router = odoo["odoo.http.router"]
    before = router.Application.__call__, router.retrying, router.serve_static, router._set_request_dispatcher
    package = importlib.import_module(PACKAGE)
    package.install()
    assert router.retrying is not before[1]
    package.uninstall()
    after = router.Application.__call__, router.retrying, router.serve_static, router._set_request_dispatcher
    assert after == before


def test_what_other_addons_have_replaced_is_measured_all_the_same(odoo, counted):
    """One wraps the class of the application in an object, another one states no signature."""
    router = odoo["odoo.http.router"]

    class Wrapped:
        __slots__ = ("application",)

        def __call__(self, environ, start_response):
            return self.application(environ, start_response)

    router.Application = Wrapped()
    serve_static = router.serve_static
    router.serve_static = lambda *arguments, **options: serve_static(*arguments, **options)
    importlib.import_module(PACKAGE).install()
    assert hook("skipped").names() == []
    hook("routes").learn("db", [], ["web"])
    assert served(odoo, "/web/static/x.js") == "200 OK"
    assert counted(REQUESTS, ("/web/static", "GET", "2xx", "public")) == 1


MISSING = (
    ("odoo.http.router", "root", {"http", "malformed", "health"}),
    ("odoo.http.router", "serve_static", {"http"}),
    ("odoo.http.router", "retrying", {"retries"}),
    ("odoo.http", "request_var", {"http", "retries"}),
    ("odoo.orm.cache", "_COUNTERS", {"orm_cache"}),
    ("odoo.service.server", "Worker", {"workers"}),
    ("odoo.sql_db", "connection_info_for", {"health"}),
    ("odoo.models", "BaseModel", {"records"}),
)


@pytest.mark.parametrize(("module", "name", "skipped"), MISSING)
def test_what_is_missing_is_skipped_and_the_rest_works(odoo, counted, caplog, module, name, skipped):
    delattr(odoo[module], name)
    importlib.import_module(PACKAGE).install()
    assert set(hook("skipped").names()) == skipped
    assert counted("odoo_telemetry_errors_total", ("hook",), None) == len(skipped)
    lines = [record.getMessage() for record in caplog.records if record.name == f"{PACKAGE}.skipped"]
    assert len(lines) == len(skipped)
    assert all(f"{module}:{name}" in line for line in lines)


def test_what_a_master_process_skips_is_counted_for_its_workers(odoo):
    """It serves nothing itself, and its workers start after it has found out."""
    del odoo["odoo.http.router"].retrying
    importlib.import_module(PACKAGE).install()

    def work():
        assert store.reader.values()[0]["odoo_telemetry_errors_total", None, ("hook",), ""] == 1

    assert processes.run(work) == 0


def test_request_statistics_of_a_context(odoo, counted, monkeypatch):
    """Later versions have them in an object of the context, instead of attributes of the thread."""
    database = SimpleNamespace(count=8, time=0.25)
    netsvc = SimpleNamespace(ExecutionInfo=SimpleNamespace(get=lambda: SimpleNamespace(db_stats=database)))
    monkeypatch.setitem(sys.modules, "odoo.netsvc", netsvc)
    importlib.import_module(PACKAGE).install()
    hook("routes").learn("db", [("/web/login", {"auth": "none", "type": "http"})], ["web"])
    served(odoo, "/web/login")
    assert counted("odoo_http_request_sql_statements_total", ("/web/login",)) == 8


def test_a_failure_meanwhile_costs_no_request(hooks, odoo, counted, monkeypatch):
    monkeypatch.setattr(logging.getLogger(errors.__name__), "disabled", True)
    monkeypatch.setattr(hook("http"), "current_request", lambda: 1 / 0)
    assert served(odoo, "/web/login") == "200 OK"
    assert counted("odoo_telemetry_errors_total", ("hook",), None) >= 1
