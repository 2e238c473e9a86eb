import json
from contextlib import contextmanager
from unittest import skipUnless
from unittest.mock import patch
from xmlrpc.client import Fault

from odoo import release
from odoo.tests import HttpCase, mute_logger, new_test_user, tagged

from ..metrics import catalogue, store
from ..odoo_hooks import rpc
from .hook_case import observations, value
from .settings_case import Published

CALLS = "odoo_rpc_calls_total"
DURATION = "odoo_rpc_duration_seconds"
CAPPED = "odoo_telemetry_labels_folded_total"
ROUTE = "/web/dataset/call_kw"


@tagged("post_install", "-at_install")
class TestRpc(Published, HttpCase):
    def setUp(self):
        super().setUp()
        rpc._known.clear()

    def calls(self, model, method, outcome="ok"):
        return value(CALLS, (model, method, outcome), self.database)

    def taken(self):
        """Return how many values the labels of RPC calls have taken."""
        labels = "rpc_call", "model", "rpc_method"
        return {key: number for key, number in store.limits.counts().items() if key[1] in labels}

    def post(self, route, parameters, **headers):
        data = json.dumps(parameters)
        return self.url_open(route, data=data, headers={"Content-Type": "application/json", **headers})

    def call(self, model, method, *arguments, route=ROUTE, **keywords):
        parameters = {"model": model, "method": method, "args": arguments, "kwargs": keywords}
        return self.post(route, {"jsonrpc": "2.0", "params": parameters}).json()

    @contextmanager
    def limit(self, limit):
        """Admit at most ``limit`` values in addition to those that are already admitted."""
        others, values = store.limits.limit, store.limits.admitted
        before = len(values(self.database, catalogue.RPC_CALL))

        def limited(label, database):
            return limit + before if label is catalogue.RPC_CALL else others(label, database)

        with patch.object(store.limits, "limit", limited), patch.object(rpc, "_METHODS_SHARE", 1.0):
            rpc._known.clear()
            yield

    def test_a_call_of_the_web_client_is_counted_and_timed(self):
        self.authenticate("admin", "admin")
        for route in (ROUTE, f"{ROUTE}/res.partner/web_search_read"):
            before = self.calls("res.partner", "web_search_read")
            timed = observations(DURATION, ("res.partner", "web_search_read"), self.database)
            answer = self.call("res.partner", "web_search_read", [], specification={"name": {}}, limit=1, route=route)
            self.assertIn("result", answer)
            self.assertEqual(self.calls("res.partner", "web_search_read"), before + 1)
            self.assertEqual(observations(DURATION, ("res.partner", "web_search_read"), self.database), timed + 1)

    def test_a_button(self):
        self.authenticate("admin", "admin")
        before = self.calls("res.config.settings", "cancel")
        settings = self.env["res.config.settings"].create({})
        self.call("res.config.settings", "cancel", settings.ids, route="/web/dataset/call_button")
        self.assertEqual(self.calls("res.config.settings", "cancel"), before + 1)

    @mute_logger("odoo.http", "odoo.addons.rpc.controllers.xmlrpc")
    def test_xml_rpc_and_json_rpc(self):
        before = self.calls("res.lang", "search_count")
        user = new_test_user(self.env, "telemetry_rpc", groups="base.group_user")
        parameters = self.database, user.id, user.login, "res.lang", "search_count", [[]]
        self.xmlrpc_object.execute_kw(*parameters)
        service = {"service": "object", "method": "execute_kw", "args": parameters}
        self.post("/jsonrpc", {"jsonrpc": "2.0", "method": "call", "params": service})
        self.assertEqual(self.calls("res.lang", "search_count"), before + 2)
        with self.assertRaises(Fault):
            self.xmlrpc_object.execute_kw(*parameters[:2], "wrong", *parameters[3:])
        self.assertEqual(self.calls("res.lang", "search_count", "error"), 0)

    @skipUnless(release.version_info >= (19,), "/json/2 is of Odoo 19.0")
    def test_json_2(self):
        admin = self.env.ref("base.user_admin")
        key = self.env["res.users.apikeys"].with_user(admin)._generate("rpc", "telemetry", False)
        before = self.calls("res.lang", "search_count")
        answer = self.post("/json/2/res.lang/search_count", {"domain": []}, Authorization=f"Bearer {key}")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self.calls("res.lang", "search_count"), before + 1)

    @mute_logger("odoo.http")
    def test_a_call_that_fails_counts_as_one_and_takes_up_nothing(self):
        self.authenticate("admin", "admin")
        before, other = self.taken(), self.calls("other", "other", "error")
        for method in ("no_such_method", "_check_credentials"):
            self.assertIn("error", self.call("res.partner", method, []))
        self.assertEqual(self.calls("other", "other", "error"), other + 2)
        self.assertIn("error", self.call("no.such.model", "read", []))
        self.assertEqual(self.taken(), before)
        self.call("res.partner", "search_count", [])
        failed = self.calls("res.partner", "search_count", "error")
        self.call("res.partner", "search_count", [["no_such_field", "=", 1]])
        self.assertEqual(self.calls("res.partner", "search_count", "error"), failed + 1)

    @mute_logger("odoo.http")
    def test_an_anonymous_client_is_not_counted(self):
        before, counted = self.taken(), store.reader.values()[0].keys()
        failures = value("odoo_telemetry_errors_total", ("hook",))
        self.assertIn("error", self.call("res.partner", "read", [1]))
        self.assertEqual(value("odoo_telemetry_errors_total", ("hook",)), failures)
        self.assertEqual(self.taken(), before)
        self.assertEqual({key for key in store.reader.values()[0].keys() - counted if "rpc" in key[0]}, set())

    @mute_logger("odoo.http")
    def test_a_user_who_may_not_takes_up_nothing(self):
        new_test_user(self.env, "telemetry_rpc", groups="base.group_user")
        self.authenticate("telemetry_rpc", "telemetry_rpc")
        before = self.taken()
        self.assertIn("error", self.call("ir.config_parameter", "read", [1], ["value"]))
        self.assertEqual(self.taken(), before)

    def test_over_the_limit_of_methods_models_have_series_and_then_other_has(self):
        self.authenticate("admin", "admin")
        capped, other = value(CAPPED, ("rpc_call",)), self.calls("other", "other")
        with self.limit(2):
            self.call("res.country", "search_count", [])
            self.assertEqual(self.calls("res.country", "search_count"), 1)
            with patch.object(rpc, "_METHODS_SHARE", 0.0):
                self.call("res.currency", "search_count", [])
            self.assertEqual(self.calls("res.currency", "other"), 1)
            self.assertEqual(value(CAPPED, ("rpc_call",)), capped)
            self.call("res.country.group", "search_count", [])
            self.assertEqual(self.calls("other", "other"), other + 1)
            self.assertEqual(value(CAPPED, ("rpc_call",)), capped + 1)

    def test_it_can_be_turned_off(self):
        self.authenticate("admin", "admin")
        config = self.env["res.config.settings"].create({"telemetry_rpc_calls": False})
        config.set_values()
        self.commit()
        self.assertFalse(self.published().rpc_calls)
        rpc._known.clear()
        before = self.calls("res.lang", "search_count")
        self.call("res.lang", "search_count", [])
        self.assertEqual(self.calls("res.lang", "search_count"), before)
