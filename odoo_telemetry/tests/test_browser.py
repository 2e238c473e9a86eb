import gzip
import json
import re
import time
from unittest.mock import patch

import rjsmin
from psycopg2.errors import SerializationFailure

from odoo.modules import get_module_path
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger
from odoo.tools.js_transpiler import is_odoo_module, transpile_javascript

from .. import intake, page_token
from ..controllers import browser
from ..metrics import errors, store
from .hook_case import observations, value
from .settings_case import Published

INTAKE = "/telemetry/browser"
REFUSED = "odoo_telemetry_browser_batches_refused_total"
LOADS, LATENCY = "odoo_ui_page_load_time_seconds", "odoo_ui_interaction_latency_seconds"
VITALS = (
    "odoo_ui_largest_contentful_paint_seconds",
    "odoo_ui_interaction_to_next_paint_seconds",
    "odoo_ui_cumulative_layout_shift",
)
SOFT_VITALS = tuple(name.replace("ui_", "ui_soft_navigation_") for name in VITALS)
BROWSER_ERRORS = "odoo_browser_errors_total"
LIMIT_BYTES = 6_000


@tagged("post_install", "-at_install")
class TestBrowser(Published, HttpCase):
    def setUp(self):
        super().setUp()
        # discard what other tests have sent within this minute
        self.startPatcher(patch.object(browser, "_limits", None))
        (store.directory.path / "browser-rate-limits").unlink(missing_ok=True)

    def page_info(self, path="/web/login"):
        """Return what a page hands to the browser."""
        text = self.url_open(path).text
        found = re.search(r"odoo\.__session_info__ = (\{.*\});", text)
        return json.loads(found[1]).get("odoo_telemetry")

    def send(self, *values, token=None, body=None, **headers):
        """Send a batch as a page of Odoo would; returns the response."""
        if token is None and body is None:
            token = self.page_info()["token"]
        body = body or json.dumps({"token": token, "values": values})
        headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "text/plain;charset=UTF-8", **headers}
        return self.opener.post(self.base_url() + INTAKE, data=body, headers=headers, timeout=30)

    def refused(self, reason):
        return value(REFUSED, (reason,))

    def observed(self, name, *labels):
        return observations(name, labels, self.database)

    def assert_refused(self, reason, status, *values, **how):
        """Send a batch, and see that it is refused and counted, and that nothing of it was taken."""
        names = LOADS, LATENCY, BROWSER_ERRORS, *VITALS, *SOFT_VITALS

        def taken():
            return {key: number for key, number in store.reader.values()[0].items() if key[0] in names}

        before, counted = taken(), self.refused(reason)
        self.assertEqual(self.send(*values, **how).status_code, status)
        self.assertEqual(self.refused(reason), counted + 1)
        self.assertEqual(taken(), before)

    def test_a_batch(self):
        series = [
            (LOADS, "/web/login", "public"),
            (LATENCY, "log_in", "public"),
            *((name, "public") for name in VITALS),
        ]
        before = [self.observed(*one) for one in series]
        total = value(LOADS, ("/web/login", "public"), self.database, "sum")
        response = self.send(
            ["page", "", 1.25], ["interaction", "log_in", 0.5], ["lcp", "", 0.9], ["inp", "", 0.02], ["cls", "", 0]
        )
        self.assertEqual((response.status_code, response.text), (204, ""))
        self.assertEqual([self.observed(*one) for one in series], [count + 1 for count in before])
        self.assertAlmostEqual(value(LOADS, ("/web/login", "public"), self.database, "sum"), total + 1.25)

    def test_the_vitals_of_a_soft_navigation_are_apart_from_those_of_the_page(self):
        before = [self.observed(name) for name in SOFT_VITALS], [self.observed(name, "public") for name in VITALS]
        self.assertEqual(self.send(["lcp", "soft", 0.9], ["inp", "soft", 0.02], ["cls", "soft", 0]).status_code, 204)
        after = [self.observed(name) for name in SOFT_VITALS], [self.observed(name, "public") for name in VITALS]
        self.assertEqual(after, ([count + 1 for count in before[0]], before[1]))

    def test_errors_are_counted_by_page_role_and_kind(self):
        def counted():
            return {
                (path, kind): value(BROWSER_ERRORS, (path, role, kind), self.database)
                for path, role in (("/odoo", "admin"), ("/web/login", "public"))
                for kind in ("script", "blank")
            }

        before = counted()
        self.send(["error", "script", 1], ["error", "script", 1], ["error", "blank", 1])
        self.authenticate("admin", "admin")
        self.send(["error", "blank", 1], token=self.page_info("/odoo")["token"])
        moved = {key: number - before[key] for key, number in counted().items()}
        self.assertEqual(moved, {
            ("/web/login", "script"): 2, ("/web/login", "blank"): 1, ("/odoo", "script"): 0, ("/odoo", "blank"): 1,
        })  # fmt: skip

    def test_a_batch_is_taken_once_when_odoo_repeats_the_request(self):
        read, conflicts = intake.read, [type("Conflict", (SerializationFailure,), {"pgcode": "40001"})()]

        def read_and_conflict(limit):
            body = read(limit)
            if conflicts:
                raise conflicts.pop()
            return body

        token, before = self.page_info()["token"], self.observed(LOADS, "/web/login", "public")
        with (
            patch.object(intake, "read", read_and_conflict), patch("random.uniform", return_value=0),
            mute_logger("odoo.service.model"),
        ):  # fmt: skip
            self.assertEqual(self.send(["page", "", 1.25], token=token).status_code, 204)
        self.assertEqual(self.observed(LOADS, "/web/login", "public"), before + 1)

    def test_it_costs_no_statement_and_no_session(self):
        self.authenticate("admin", "admin")
        token = self.page_info("/odoo")["token"]
        batch = [["page", "", 1], ["action", "base.action_res_users/list", 1], ["interaction", "save", 1]]

        def statements(**how):
            before = value("odoo_http_request_sql_statements_total", (INTAKE,), self.database)
            response = self.send(*batch, token=token, **how)
            self.assertNotIn("Set-Cookie", response.headers)
            return value("odoo_http_request_sql_statements_total", (INTAKE,), self.database) - before

        statements()
        # with each request, Odoo checks whether other workers have changed anything
        odoo_alone = statements(**{"Sec-Fetch-Site": "cross-site"})
        self.assertLessEqual(odoo_alone, 1)
        self.assertEqual(statements(), odoo_alone)
        self.opener.cookies.clear()
        statements()

    def test_route_and_role_are_what_the_server_saw(self):
        self.authenticate("admin", "admin")
        before = self.observed(LOADS, "/odoo", "admin"), self.observed(LOADS, "/odoo/<path:subpath>", "admin")
        self.send(["page", "", 1], token=self.page_info("/odoo")["token"])
        self.send(["page", "", 1], token=self.page_info("/odoo/apps")["token"])
        after = self.observed(LOADS, "/odoo", "admin"), self.observed(LOADS, "/odoo/<path:subpath>", "admin")
        self.assertEqual(after, (before[0] + 1, before[1] + 1))

    def test_actions_that_exist_are_counted_by_name_and_others_as_other(self):
        self.authenticate("admin", "admin")
        token = self.page_info("/odoo")["token"]
        named = {
            "base.action_res_users/list": "base.action_res_users/list",
            "base.action_res_users/": "base.action_res_users",
            "res.partner/form": "res.partner/form",
            "base.action_res_users/made_up": "other",
            "made.up/list": "other",
            "base.menu_administration": "other",
            "": "other",
        }
        for given, counted in named.items():
            before = self.observed(LOADS, counted, "admin")
            self.assertEqual(self.send(["action", given, 1], token=token).status_code, 204)
            self.assertEqual(self.observed(LOADS, counted, "admin"), before + 1, given)

    def test_a_public_user_opens_no_actions(self):
        before = self.observed(LOADS, "other", "public"), self.observed(LOADS, "base.action_res_users", "public")
        self.send(["action", "base.action_res_users", 1])
        after = self.observed(LOADS, "other", "public"), self.observed(LOADS, "base.action_res_users", "public")
        self.assertEqual(after, (before[0] + 1, before[1]))

    def test_an_invalid_measurement_spoils_the_batch(self):
        good, token = ["page", "", 1], self.page_info()["token"]
        for bad in (
            ["page", "", float("nan")],
            ["page", "", float("inf")],
            ["page", "", -0.1],
            ["page", "", 600.1],
            ["page", "", 10**400],
            ["page", "", "1"],
            ["page", "", None],
            ["page", "", [1]],
            ["page", ""],
            "page",
            1,
            ["page", 1, 1],
            [["page"], "", 1],
            ["made up", "", 1],
            ["interaction", "made up", 1],
            ["interaction", ["save"], 1],
            ["error", "TypeError: Ada is not defined", 1],
            ["error", "script", 5],
            ["error", "", 1],
            {"kind": "page"},
            ["page", "", True],
            ["cls", "", False],
        ):
            with self.subTest(value=bad):
                self.assert_refused("malformed", 400, good, bad, token=token)

    def test_an_invalid_batch(self):
        token = self.page_info()["token"]
        for body in (
            b"",
            b"{",
            b"[]",
            b"1",
            b"\xff",
            b'"text"',
            b"[" * 10_000,
            b"{}",
            b'{"token": "x"}',
            json.dumps({"token": token, "values": "page"}),
            json.dumps({"token": token, "values": {}}),
        ):
            with self.subTest(body=body[:20]):
                self.assert_refused("malformed", 400, body=body or b" ")

    def test_too_many_values(self):
        token = self.page_info()["token"]
        self.assert_refused("malformed", 400, *[["page", "", 1]] * 101, token=token)
        self.assert_refused("size", 413, *[["page", "", 1]] * 10_000, token=token)

    def test_another_origin(self):
        token = self.page_info()["token"]
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": None},
            {"Sec-Fetch-Site": None, "Origin": "http://example.com"},
            {"Sec-Fetch-Site": None, "Origin": "null"},
            {"Sec-Fetch-Site": None, "Origin": "http://[::1"},
            {"Sec-Fetch-Site": "cross-site", "Origin": self.base_url()},
        ):
            with self.subTest(headers=headers):
                self.assert_refused("origin", 403, ["page", "", 1], token=token, **headers)
        own = {"Sec-Fetch-Site": None, "Origin": self.base_url()}
        self.assertEqual(self.send(["page", "", 1], token=token, **own).status_code, 204)

    def test_no_token(self):
        for token in ("", "x", "\u00e9", "AQ", 7, [], {"a": 1}, True):
            with self.subTest(token=token):
                self.assert_refused("token", 403, ["page", "", 1], body=json.dumps({"token": token, "values": []}))

    def test_the_token_of_another_session(self):
        token = self.page_info()["token"]
        self.authenticate("admin", "admin")
        self.assert_refused("token", 403, ["page", "", 1], token=token)

    def test_a_token_that_was_changed(self):
        token = self.page_info()["token"]
        self.assert_refused("token", 403, ["page", "", 1], token=token[:-4] + "AAAA")

    def test_a_token_that_has_ended(self):
        with patch.object(page_token, "VALID_HOURS", -1):
            token = self.page_info()["token"]
        self.assert_refused("token", 403, ["page", "", 1], token=token)

    def test_a_token_does_not_end_by_the_time_of_day(self):
        token = self.page_info()["token"]
        day = 86_400
        for moment in (time.time() + day, time.time() - day):
            with patch.object(page_token, "time", wraps=time) as clock:
                clock.time.side_effect = lambda moment=moment: moment
                self.assertEqual(self.send(["page", "", 1], token=token).status_code, 204)

    def test_a_token_of_another_machine_ends_by_the_time_of_day(self):
        with patch.object(page_token, "_BOOT", "another machine's"):
            token = self.page_info()["token"]
        self.assertEqual(self.send(["page", "", 1], token=token).status_code, 204)
        later = time.time() + page_token.VALID_HOURS * 3600
        with patch.object(page_token, "time", wraps=time) as clock:
            clock.time.side_effect = lambda: later
            self.assert_refused("token", 403, ["page", "", 1], token=token)

    def test_the_allowance_of_a_session(self):
        token = self.page_info()["token"]
        with patch.object(browser, "SESSION_PER_MINUTE", 5):
            self.assertEqual(self.send(*[["page", "", 1]] * 3, token=token).status_code, 204)
            self.assert_refused("rate", 429, *[["page", "", 1]] * 3, token=token)
            self.assertEqual(self.send(*[["page", "", 1]] * 2, token=token).status_code, 204)

    def test_another_end_of_the_session_id_is_the_same_session(self):
        token = self.page_info()["token"]
        sid = self.opener.cookies["session_id"]
        with patch.object(browser, "SESSION_PER_MINUTE", 5):
            self.assertEqual(self.send(*[["page", "", 1]] * 5, token=token).status_code, 204)
            self.opener.cookies["session_id"] = sid[:42] + "A" * 42
            self.assert_refused("rate", 429, ["page", "", 1], token=token)

    def test_the_allowance_of_an_address_without_a_login(self):
        with patch.object(browser, "CLIENT_PER_MINUTE", 2):
            self.assertEqual(self.send(["page", "", 1], ["page", "", 1]).status_code, 204)
            self.opener.cookies.pop("session_id")
            self.assert_refused("rate", 429, ["page", "", 1], token=self.page_info()["token"])

    def test_the_allowance_of_a_role(self):
        token = self.page_info()["token"]
        with patch.object(browser, "ROLE_PER_MINUTE", 0):
            self.assert_refused("rate", 429, ["page", "", 1], token=token)

    def test_rate_limits_that_can_not_be_stored(self):
        token = self.page_info()["token"]
        with (
            patch.object(browser, "_limits", None),
            patch.object(browser, "RateLimits", side_effect=OSError("full")),
            self.assertLogs(errors.__name__, "WARNING"),
        ):
            store.errors._logged.clear()
            self.assert_refused("rate", 429, ["page", "", 1], token=token)

    def test_off(self):
        token = self.page_info()["token"]
        self.settings._set("browser_sample_percent", "0")
        self.commit()
        self.assertIsNone(self.page_info())
        self.assert_refused("off", 403, ["page", "", 1], token=token)

    def test_how_many_tabs_are_measured(self):
        self.assertEqual(self.page_info()["sample_percent"], 100)
        self.settings._set("browser_sample_percent", "7")
        self.commit()
        self.assertEqual(self.page_info()["sample_percent"], 7)

    def test_a_page_is_shown_if_it_can_not_be_measured(self):
        store.errors._logged.clear()
        with (
            patch.object(page_token, "hash_sign", side_effect=ValueError("no secret")),
            self.assertLogs(errors.__name__, "WARNING"),
        ):
            self.assertIsNone(self.page_info())

    def test_it_takes_posts_only(self):
        self.assertEqual(self.url_open(INTAKE).status_code, 405)


@tagged("post_install", "-at_install")
class TestScripts(TransactionCase):
    def scripts(self, bundle):
        """Return the paths of the scripts in a bundle, in order, of this addon and of those that extend it."""
        extending = self.env["ir.module.module"].search(
            [("dependencies_id.name", "=", "odoo_telemetry"), ("state", "=", "installed")]
        )
        addons = {"odoo_telemetry", *extending.mapped("name")}
        paths = self.env["ir.asset"]._get_asset_paths(bundle, {})
        names = [path.lstrip("/") for path, *_rest in paths]
        return [name for name in names if name.partition("/")[0] in addons and name.endswith(".js")]

    def shipped(self, path):
        """Return a script as the bundler ships it."""
        addon, _slash, place = path.partition("/")
        with open(f"{get_module_path(addon)}/{place}") as file:
            text = file.read()
        return rjsmin.jsmin(transpile_javascript(f"/{path}", text) if is_odoo_module(f"/{path}", text) else text)

    def test_every_page_has_them_once(self):
        for bundle in ("web.assets_web", "web.assets_backend", "web.assets_frontend", "web.assets_frontend_minimal"):
            with self.subTest(bundle=bundle):
                scripts = self.scripts(bundle)
                self.assertTrue(scripts[0].endswith("web-vitals.iife.js"))
                self.assertEqual(len(scripts), len(set(scripts)))
                client = [script for script in scripts if script.endswith("/web_client.js")]
                self.assertEqual(bool(client), "frontend" not in bundle)
        self.assertEqual(self.scripts("web.assets_frontend_lazy"), [])

    def test_they_are_small(self):
        for bundle in ("web.assets_backend", "web.assets_frontend"):
            with self.subTest(bundle=bundle):
                size = len(gzip.compress(";\n".join(map(self.shipped, self.scripts(bundle))).encode()))
                self.assertLess(size, LIMIT_BYTES)
