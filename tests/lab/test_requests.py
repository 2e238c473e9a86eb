"""Requests that OCA's addons answer: their SQL, their routes, and their errors are measured as Odoo's own."""

from contextlib import contextmanager

import pytest

from tests.waiting import until

pytestmark = pytest.mark.system

REQUESTS = "odoo_http_requests_total"
STATEMENTS = "odoo_http_request_sql_statements_total"
SECONDS = "odoo_http_request_sql_seconds_total"
ERRORS = "odoo_application_errors_total"
OWN_ERRORS = "odoo_telemetry_errors_total"
RUN = {"route": "/queue_job/runjob"}


@contextmanager
def installed(lab, addon):
    """The addon is installed during the block, in both workers."""
    lab.install(addon)
    try:
        lab.request_all_workers("/web/login")
        yield
    finally:
        lab.uninstall(addon)
        lab.request_all_workers("/web/login")


@pytest.fixture
def fastapi(lab):
    """The lab with ``lab_fastapi``, whose routes are below /fastapi/lab."""
    with installed(lab, "lab_fastapi"):
        endpoints = lab.call("fastapi.endpoint", "search", [("root_path", "=", "/fastapi/lab")])
        # what its button does: Odoo does not know the routes of a new endpoint before
        lab.call("fastapi.endpoint", "write", endpoints, {"registry_sync": True})
        # fastapi looks each path up once, with a statement
        for path in ("loop/0", "loop/50", "thread/0", "thread/50"):
            lab.request_all_workers(f"/fastapi/lab/{path}")
        yield lab


@pytest.fixture
def base_rest(lab):
    """The lab with ``lab_rest``, whose routes are below /lab_rest/things."""
    if "base_rest" not in lab.oca:
        pytest.skip(f"there is no base_rest for {lab.series}")
    with installed(lab, "lab_rest"):
        lab.request_all_workers("/lab_rest/things/200")
        yield lab


def added(lab, number, path, name):
    """Return by how much a counter grows, by route, with so many GET requests for ``path``."""
    before = lab.scrape().values(name, "route")
    for _ in range(number):
        assert lab.request(path).ok
    after = lab.scrape().values(name, "route")
    return {route: after[route] - before.get(route, 0) for route in after if after[route] != before.get(route, 0)}


def test_fastapi(fastapi, subtests):
    lab = fastapi
    for thread in ("loop", "thread"):
        route = f"/fastapi/lab/{thread}/{{number}}"
        with subtests.test("a route is a pattern", thread=thread):
            found = added(lab, 10, f"/fastapi/lab/{thread}/3", REQUESTS)
            assert found.pop(route) == 10
            assert not [other for other in found if "fastapi" in other]
        with subtests.test("all statements are counted, and their time", thread=thread):
            without = added(lab, 20, f"/fastapi/lab/{thread}/0", STATEMENTS)[route]
            assert added(lab, 20, f"/fastapi/lab/{thread}/50", STATEMENTS)[route] == without + 20 * 50
            assert added(lab, 20, f"/fastapi/lab/{thread}/50", SECONDS)[route] > 20 * 50 * 0.001
    with subtests.test("an error answered below 500 was handled"):
        before = lab.scrape().value(ERRORS)
        for path, status in {"fail/404": 404, "fail/409": 409, "loop/many": 422, "no/such": 404}.items():
            assert lab.request(f"/fastapi/lab/{path}").status_code == status
        assert lab.scrape().value(ERRORS) == before
    with subtests.test("a 5xx is an error of the addon that failed, once"):
        before = lab.scrape()
        for status, answered in ((0, 500), (503, 503)):
            assert lab.request(f"/fastapi/lab/fail/{status}").status_code == answered
        after = lab.scrape()
        assert after.value(ERRORS) == before.value(ERRORS) + 2
        mine = {"module_name": "lab_fastapi"}
        assert after.value(ERRORS, **mine) == before.value(ERRORS, **mine) + 2
    with subtests.test("a route that never succeeded takes up no pattern, and no hook is skipped"):
        scraped = lab.scrape()
        assert not [route for route in scraped.values(REQUESTS, "route") if "/fail/" in route]
        assert scraped.value(OWN_ERRORS, reason="hook") == 0


def test_base_rest(base_rest, subtests):
    lab = base_rest
    with subtests.test("a route is a pattern"):
        assert added(lab, 10, "/lab_rest/things/200", REQUESTS)["/lab_rest/things/<int:status>"] == 10
    with subtests.test("an error answered below 500 was handled, a 5xx is one of the addon that failed, once"):
        before = lab.scrape()
        for status in (400, 404):
            assert lab.request(f"/lab_rest/things/{status}").status_code == status
        assert lab.scrape().value(ERRORS) == before.value(ERRORS)
        assert lab.request("/lab_rest/things/500").status_code == 500
        after = lab.scrape()
        assert after.value(ERRORS) == before.value(ERRORS) + 1
        assert after.value(ERRORS, module_name="lab_rest") == before.value(ERRORS, module_name="lab_rest") + 1


def test_the_runner_of_jobs_is_not_a_user(lab):
    before = lab.scrape().value(REQUESTS, **RUN)
    lab.client().get("/queue_job/create_test_job")
    [job] = lab.call("queue.job", "search", [], order="id desc", limit=1)
    until(lambda: lab.scrape().value(REQUESTS, **RUN) > before, "the job is run")
    until(lambda: lab.call("queue.job", "search_count", [("id", "=", job), ("state", "=", "done")]), "the job is done")
    assert lab.scrape().value("odoo_concurrent_users", user_role="system") == 0
    assert lab.scrape().value("odoo_concurrent_users", user_role="admin") >= 1
