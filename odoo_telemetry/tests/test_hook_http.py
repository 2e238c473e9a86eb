import contextvars
import os
import threading
from contextlib import closing
from http.client import HTTPConnection
from time import perf_counter
from unittest.mock import patch

from werkzeug.wrappers import Response

from odoo import SUPERUSER_ID, http, sql_db
from odoo.tests import HttpCase, mute_logger, tagged
from odoo.tools import config

from .. import odoo_hooks
from ..metrics import errors, store
from ..metrics.catalogue import HTTP_REQUESTS
from ..odoo_hooks import asgi, presence, roles, workers
from ..odoo_hooks import http as http_hook
from .hook_case import bare_odoo, observations, scraped, value

REQUESTS = "odoo_http_requests_total"
DURATION = "odoo_http_request_duration_seconds"
APPLICATION_ERRORS = "odoo_application_errors_total"


@tagged("post_install", "-at_install")
class TestHttp(HttpCase):
    def requests(self, *labels):
        return value(REQUESTS, labels, self.env.cr.dbname)

    def test_a_page_is_counted_by_pattern_and_timed(self):
        labels = "/web/login", "GET", "2xx"
        before = self.requests(*labels, "public"), observations(DURATION, labels, self.env.cr.dbname)
        self.assertEqual(self.url_open("/web/login").status_code, 200)
        after = self.requests(*labels, "public"), observations(DURATION, labels, self.env.cr.dbname)
        self.assertEqual(after, (before[0] + 1, before[1] + 1))

    def test_a_pattern_stands_for_its_paths(self):
        before = self.requests("/web/content/<int:id>", "GET", "4xx", "public")
        self.url_open("/web/content/987654321")
        self.url_open("/web/content/987654322")
        self.assertEqual(self.requests("/web/content/<int:id>", "GET", "4xx", "public"), before + 2)

    def test_static_files_count_under_their_module(self):
        before = self.requests("/web/static", "GET", "2xx", "public")
        self.assertEqual(self.url_open("/web/static/img/favicon.ico").status_code, 200)
        self.assertEqual(self.requests("/web/static", "GET", "2xx", "public"), before + 1)

    def test_what_matches_no_route_is_unmatched(self):
        before = self.requests(http_hook.UNMATCHED, "GET", "4xx", "public")
        self.assertEqual(self.url_open("/no/such/page").status_code, 404)
        self.assertEqual(self.url_open("/no_such_module/static/x.js").status_code, 404)
        self.assertEqual(self.requests(http_hook.UNMATCHED, "GET", "4xx", "public"), before + 2)

    def test_an_unknown_method_is_other(self):
        before = self.requests(http_hook.UNMATCHED, "other", "4xx", "public")
        self.opener.request("BREW", self.base_url() + "/no/such/page")
        self.assertEqual(self.requests(http_hook.UNMATCHED, "other", "4xx", "public"), before + 1)

    def test_an_exception_is_a_5xx_of_its_route(self):
        before = self.requests("/web/version_info", "POST", "2xx", "public")
        failed = self.requests("/web/login", "GET", "5xx", "public")
        with (
            patch("odoo.addons.web.controllers.home.Home._login_redirect", side_effect=ZeroDivisionError),
            patch("odoo.addons.web.controllers.home.Home._web_client_readonly", side_effect=ZeroDivisionError),
            patch("odoo.http.Request.render", side_effect=ZeroDivisionError),
            mute_logger("odoo.http"),
        ):
            self.assertEqual(self.url_open("/web/login").status_code, 500)
        self.assertEqual(self.requests("/web/login", "GET", "5xx", "public"), failed + 1)
        self.assertEqual(self.requests("/web/version_info", "POST", "2xx", "public"), before)

    def test_the_role_and_the_presence_of_a_user(self):
        self.authenticate("admin", "admin")
        self.url_open("/web/session/account", data="{}", headers={"Content-Type": "application/json"})
        route = "/web/session/get_session_info"
        before = self.requests(route, "POST", "2xx", "admin")
        self.url_open(route, data="{}", headers={"Content-Type": "application/json"})
        self.assertEqual(self.requests(route, "POST", "2xx", "admin"), before + 1)
        users = scraped(presence.users, self.env.cr.dbname)
        self.assertGreaterEqual(users["odoo_concurrent_users", ("admin",)], 1)
        self.assertEqual(users["odoo_concurrent_users", ("public",)], 0)

    def test_an_anonymous_user_is_public_from_the_first_request(self):
        self.env.registry.clear_cache()
        roles.learn(self.env)
        before = self.requests("/web/content/<int:id>", "GET", "4xx", "public")
        public = self.env.ref("base.public_user")
        self.assertEqual(roles.role(self.env.registry, public.id), "public")
        self.url_open("/web/content/987654321")
        self.assertEqual(self.requests("/web/content/<int:id>", "GET", "4xx", "public"), before + 1)

    def answered(self, do):
        """Ask for a page that calls ``do()`` in place of its controller."""
        with patch("odoo.addons.base.models.ir_http.IrHttp._dispatch", side_effect=lambda _endpoint: do()):
            return self.url_open("/web/health")

    def test_a_service_without_a_session_is_not_a_user(self):
        """The runner of queue_job asks for jobs to be run as the superuser."""
        before = scraped(presence.users, self.env.cr.dbname)["odoo_concurrent_users", ("system",)]
        counted = self.requests("/web/health", "GET", "2xx", "system")

        def serve():
            http.request.update_env(user=SUPERUSER_ID)
            return http.request.make_response("")

        self.answered(serve)
        self.assertEqual(self.requests("/web/health", "GET", "2xx", "system"), counted + 1)
        self.assertEqual(scraped(presence.users, self.env.cr.dbname)["odoo_concurrent_users", ("system",)], before)

    def test_sql_of_a_thread_that_the_request_began_is_counted_to_it(self):
        """As FastAPI's event loop does; tests/lab has the real one."""
        asgi._EXECUTE.install()
        self.addCleanup(asgi._EXECUTE.uninstall)
        database = self.env.cr.dbname
        names = "odoo_http_request_sql_statements_total", "odoo_http_request_sql_seconds_total"

        def serve(number):
            def send():
                for _ in range(number):
                    env.cr.execute("SELECT pg_sleep(0.002)")

            env = http.request.env
            thread = threading.Thread(target=contextvars.copy_context().run, args=[send])
            thread.start()
            thread.join()
            return http.request.make_response("")

        def added(number):
            before = [value(name, ("/web/health",), database) for name in names]
            self.answered(lambda: serve(number))
            return [value(name, ("/web/health",), database) - then for name, then in zip(names, before, strict=True)]

        added(0)
        (without, _seconds), (statements, seconds) = added(0), added(7)
        self.assertEqual(statements, without + 7)
        self.assertGreater(seconds, 7 * 0.002)

    def test_sql_is_what_odoo_counted(self):
        labels, database = ("/web/login",), self.env.cr.dbname
        names = "odoo_http_request_sql_statements_total", "odoo_http_request_sql_seconds_total"
        before = [value(name, labels, database) for name in names]
        self.url_open("/web/login")
        for name, then in zip(names, before, strict=True):
            self.assertGreater(value(name, labels, database), then)

    def test_telemetry_sends_no_statement(self):
        self.authenticate("admin", "admin")

        def statements():
            before = sql_db.sql_counter
            self.url_open("/odoo")
            self.url_open("/web/static/img/favicon.ico")
            self.url_open("/no/such/page")
            return sql_db.sql_counter - before

        for _warm in range(3):
            statements()
        measured = [statements() for _ in range(3)]
        with bare_odoo():
            bare = [statements() for _ in range(3)]
        self.assertEqual(min(measured), min(bare))

    def test_uninstall_restores_odoo(self):
        before = self.requests("/web/login", "GET", "2xx", "public")
        with bare_odoo():
            self.assertTrue(http.Application.__call__.__code__.co_filename.endswith("/odoo/http.py"))
            self.url_open("/web/login")
        self.assertEqual(self.requests("/web/login", "GET", "2xx", "public"), before)
        self.url_open("/web/login")
        self.assertEqual(self.requests("/web/login", "GET", "2xx", "public"), before + 1)

    def learning(self, path):
        """Send a request with which this process learns that it is measured, while Odoo checks its registry."""
        odoo_hooks.uninstall()
        self.addCleanup(odoo_hooks.install)

        def check_signaling(*_cursor):
            odoo_hooks.install()
            return self.env.registry

        with patch.object(self.env.registry, "check_signaling", side_effect=check_signaling):
            return self.url_open(path)

    def test_a_request_with_which_a_worker_learns_of_an_installation_is_counted(self):
        for path, route, status in (
            ("/web/login", "/web/login", "2xx"),
            ("/web/content/987654321", "/web/content/<int:id>", "4xx"),
            ("/no/such/page", http_hook.UNMATCHED, "4xx"),
        ):
            with self.subTest(path):
                labels, database = (route, "GET", status), self.env.cr.dbname
                self.url_open(path)
                before = self.requests(*labels, "public"), observations(DURATION, labels, database)
                seconds = value(DURATION, labels, database, "sum")
                begun = perf_counter()
                self.learning(path)
                took = perf_counter() - begun
                after = self.requests(*labels, "public"), observations(DURATION, labels, database)
                self.assertEqual(after, (before[0] + 1, before[1] + 1))
                self.assertTrue(0 < value(DURATION, labels, database, "sum") - seconds <= took)
                self.url_open(path)
                self.assertEqual(self.requests(*labels, "public"), before[0] + 2)

    def test_an_error_of_such_a_request_is_counted_once(self):
        def errors_counted():
            return sum(number for (name, *_), number in store.reader.values()[0].items() if name == APPLICATION_ERRORS)

        before = errors_counted()
        failed = self.requests("/web/health", "GET", "5xx", "public")
        with (
            patch("odoo.addons.base.models.ir_http.IrHttp._dispatch", side_effect=ZeroDivisionError),
            mute_logger("odoo.http"),
        ):
            self.learning("/web/health")
        self.assertEqual(errors_counted(), before + 1)
        self.assertEqual(self.requests("/web/health", "GET", "5xx", "public"), failed + 1)

    def test_nothing_is_left_of_it_for_other_requests(self):
        original = Response.get_wsgi_response
        self.learning("/web/login")
        self.assertIs(Response.get_wsgi_response, original)

    def test_a_failing_store_costs_no_request(self):
        with patch.object(store.writer, "cell", side_effect=OSError), mute_logger(errors.__name__):
            HTTP_REQUESTS._cells.clear()
            self.assertEqual(self.url_open("/web/login").status_code, 200)

    def test_busy_falls_back_to_what_it_was(self):
        self.url_open("/web/login")
        self.assertFalse(workers._busy)


@tagged("post_install", "-at_install")
class TestRoles(HttpCase):
    def role(self, login, group):
        user = self.env["res.users"].create({"login": login, "name": login})
        field = "group_ids" if "group_ids" in user._fields else "groups_id"
        user[field] = self.env.ref(group)
        user._get_group_ids()
        return roles.role(self.env.registry, user.id)

    def setUp(self):
        super().setUp()
        roles.learn(self.env)
        self.addCleanup(roles.learn, self.env)

    def test_roles(self):
        self.assertEqual(self.role("r1", "base.group_system"), "admin")
        self.assertEqual(self.role("r2", "base.group_user"), "user")
        self.assertEqual(self.role("r3", "base.group_portal"), "portal")
        self.assertEqual(self.role("r4", "base.group_public"), "public")
        self.assertEqual(roles.role(self.env.registry, 1), "system")
        self.assertEqual(roles.role(self.env.registry, None), "public")
        self.assertEqual(roles.role(None, 7), "unknown")

    def test_a_role_is_remembered_when_the_cache_is_cleared(self):
        role = self.role("r5", "base.group_user")
        uid = self.env["res.users"].search([("login", "=", "r5")]).id
        self.env.registry.clear_cache()
        self.assertEqual(roles.role(self.env.registry, uid), role)

    def test_a_user_never_seen_is_unknown(self):
        self.env.registry.clear_cache()
        self.assertEqual(roles.role(self.env.registry, 987654321), "unknown")


@tagged("post_install", "-at_install")
class TestProcess(HttpCase):
    def test_the_kind_of_this_process(self):
        self.url_open("/web/login")
        self.assertEqual(store.directory.kind, "threaded")
        readings = scraped(workers.workers)
        self.assertEqual(readings["odoo_workers_configured", ("threaded",)], 1)
        self.assertEqual(readings["odoo_workers_active", ("threaded",)], 1)
        memory = readings["odoo_worker_resident_memory_bytes", (store.directory.slot_number(), "threaded")]
        self.assertAlmostEqual(memory, _resident(os.getpid()), delta=64 << 20)

    def test_cpu_time_is_added_once(self):
        workers.flush_cpu()
        before = value("odoo_worker_cpu_seconds_total", ("threaded",))
        sum(range(1_000_000))
        workers.flush_cpu()
        used = value("odoo_worker_cpu_seconds_total", ("threaded",)) - before
        self.assertGreater(used, 0)
        self.assertLess(used, 5)


def _resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


@tagged("post_install", "-at_install")
class TestMalformedHost(HttpCase):
    def answer(self, host):
        """Return the answer's status and text; not by `requests`, which fails at such hosts itself."""
        with closing(HTTPConnection("127.0.0.1", config["http_port"], timeout=30)) as connection:
            connection.request("GET", "/web/health", headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read()

    def test_it_is_refused(self):
        for host in ("[::1", "[::::]", "a b", "", "\u00e9", "localhost:x", "a/b"):
            with self.subTest(host=host):
                self.assertEqual(self.answer(host), (400, b"The header Host is missing or malformed.\n"))
        for host in ("localhost", "127.0.0.1:8069", "[::1]:8069", "my_host.example"):
            with self.subTest(host=host):
                self.assertNotIn(b"The header Host", self.answer(host)[1])
