import contextlib
from unittest.mock import Mock, patch

from werkzeug.routing import Map, Rule

from odoo.modules.registry import Registry
from odoo.tests import HttpCase, TransactionCase, tagged

from ..metrics import catalogue, store
from ..odoo_hooks import routes
from ..odoo_hooks.caches import snapshot
from ..publication import publish_loaded
from .hook_case import value

REQUESTS = "odoo_http_requests_total"
CAPPED = "odoo_telemetry_labels_folded_total"
USERS, PUBLIC = {"auth": "user", "type": "http"}, {"auth": "public", "type": "http"}


@tagged("post_install", "-at_install")
class TestRoutes(TransactionCase):
    def setUp(self):
        super().setUp()
        for known in (routes._routes, routes._pages, routes._shown, routes._retry_at):
            self.startPatcher(patch.dict(known))
        self.database = f"{self._testMethodName} of {self.env.cr.dbname}"

    @contextlib.contextmanager
    def limit(self, limit):
        others = store.limits.limit

        def limited(label, database):
            return limit if label.name == catalogue.ROUTE.name else others(label, database)

        with patch.object(store.limits, "limit", limited):
            routes._retry_at.clear()
            yield

    def test_users_come_first_then_the_alphabet(self):
        with self.limit(4):
            routes.learn(self.database, [("/b", PUBLIC), ("/a", PUBLIC), ("/z", USERS), ("/y", USERS)], ["web"])
            self.assertEqual(store.limits.admitted(self.database, catalogue.ROUTE), {"unmatched", "/y", "/z", "/a"})

    def test_requests_take_up_nothing(self):
        with self.limit(2):
            routes.learn(self.database, [("/b", PUBLIC), ("/a", PUBLIC)], [])
            before = value(CAPPED, ("route",))
            self.assertEqual(routes.shown(self.database, "/b"), "other")
            self.assertEqual(routes.shown(self.database, "/a"), "/a")
            self.assertEqual(value(CAPPED, ("route",)), before + 1)
            self.assertEqual(routes.shown(self.database, "/static/of/nothing/installed"), "other")
            self.assertEqual(value(CAPPED, ("route",)), before + 1)

    def test_raising_a_limit_admits_more_routes_and_lowering_it_removes_none(self):
        rules = [(f"/{letter}", PUBLIC) for letter in "abcdef"]
        with self.limit(3):
            routes.learn(self.database, rules, [])
            self.assertEqual(routes.shown(self.database, "/d"), "other")
        with self.limit(5):
            self.assertEqual(routes.shown(self.database, "/d"), "/d")
        with self.limit(1):
            routes.learn(self.database, rules, [])
            self.assertEqual([routes.shown(self.database, route) for route in ("/d", "/e")], ["/d", "other"])

    def test_routes_within_an_application_are_known_once_they_were_answered_without_an_error(self):
        app = "/api/<path:path>"
        with self.limit(3):
            routes.learn(self.database, [(app, PUBLIC)], [])
            before = value(CAPPED, ("route",))
            self.assertEqual(routes.within(self.database, app, "/api/a/{id}", succeeded=False), app)
            self.assertEqual(value(CAPPED, ("route",)), before)
            for succeeded in (True, False):
                self.assertEqual(routes.within(self.database, app, "/api/a/{id}", succeeded), "/api/a/{id}")
            self.assertEqual(routes.within(self.database, app, "/api/b/{id}", succeeded=True), app)
            self.assertEqual(value(CAPPED, ("route",)), before + 1)

    def test_what_can_not_be_read_costs_no_request(self):
        with patch.object(store.errors, "count") as error:
            routes.learn(self.database, [("/a", None)], [])
        error.assert_called_once()

    def test_a_routing_map_that_was_made_since_is_taken_in(self):
        rules = [Rule(path, endpoint=Mock(routing=PUBLIC)) for path in ("/a", "/made/by/<int:user>")]
        made = Map(rules)
        with self.limit(10):
            routes.meet(self.database, rules[1])
            self.assertEqual(routes.shown(self.database, "/made/by/<int:user>"), "other")
            routes.learn(self.database, [("/a", PUBLIC)], [])
            routes.meet(self.database, rules[0])
            self.assertEqual(routes.shown(self.database, "/made/by/<int:user>"), "other")
            routes.meet(self.database, rules[1])
            self.assertEqual(routes.shown(self.database, "/made/by/<int:user>"), "/made/by/<int:user>")
        self.assertEqual(len(list(made.iter_rules())), 2)

    def test_pages_are_a_part_of_what_browsers_open(self):
        with self.limit(10):
            routes.learn(self.database, [(f"/{letter}", PUBLIC) for letter in "abcdefghi"], [])
            self.assertTrue(routes.is_page(self.database, "/g"))
            self.assertFalse(routes.is_page(self.database, "/h"))


@tagged("post_install", "-at_install")
class TestRoutesOfOdoo(HttpCase):
    def test_all_routes_are_known_before_they_are_asked_for(self):
        admitted = store.limits.admitted(self.env.cr.dbname, catalogue.ROUTE)
        self.assertLessEqual({"unmatched", "/web/login", "/web/content/<int:id>", "/web/static"}, admitted)
        self.assertLessEqual({"/web/login"}, store.limits.admitted(self.env.cr.dbname, catalogue.UI_ROUTE))

    def test_an_anonymous_client_takes_up_nothing(self):
        before = store.limits.counts()
        for path in ("/web/login", "/no/such", "/base/static/x", "/web/webclient/version_info", "/web/database/list"):
            self.url_open(path)
        self.assertEqual(store.limits.counts(), before)


@tagged("post_install", "-at_install")
class TestRegistries(TransactionCase):
    def test_looking_at_the_registries_does_not_use_them(self):
        before = list(snapshot(Registry.registries))
        publish_loaded()
        self.assertEqual(list(snapshot(Registry.registries)), before)

    def test_three_databases_in_one_process(self):
        registries = type(Registry.registries)(8)
        for number in range(3):
            registries[f"db_{number}"] = {}
        with patch.object(Registry, "registries", registries), patch.object(store.errors, "count") as error:
            publish_loaded()
        error.assert_not_called()
