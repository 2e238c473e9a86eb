import gzip
from unittest.mock import patch

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from odoo.http import request
from odoo.tests import HttpCase, tagged

from ..metrics import catalogue, store
from .settings_case import Published

BACKLOG = "odoo_telemetry_ledger_backlog"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
OPTIONAL = {"Accept": "*/*", "Accept-Encoding": "identity"}


@tagged("post_install", "-at_install")
class TestMetricsEndpoint(Published, HttpCase):
    def setUp(self):
        super().setUp()
        self.token = self.settings._new_scrape_token()
        self.commit()

    def scrape(self, query="", token=None, **headers):
        headers = {**OPTIONAL, "Authorization": f"Bearer {token or self.token}", **headers}
        return self.url_open(f"/metrics{query}", headers=headers)

    def names(self, query):
        return {family.name for family in parse_text(self.scrape(query).text)}

    def groups(self, query):
        by_family = {name.removesuffix("_total"): metric.group for name, metric in catalogue.METRICS.items()}
        return {by_family[name] for name in self.names(query)}

    def test_refused_without_a_token(self):
        response = self.url_open("/metrics", headers=OPTIONAL)
        self.assertEqual(response.status_code, 401)
        self.assertEqual(response.headers["WWW-Authenticate"], "Bearer")
        self.assertIn("Settings, Telemetry", response.text)
        self.assertNotIn("odoo_", response.text)

    def test_refused_with_another_token(self):
        for authorization in (
            "Bearer wrong",
            "Bearer ",
            "Bearer",
            self.token,
            f"Basic {self.token}",
            f"Bearer {self.token}x",
            "Bearer \u00e9".encode("latin-1"),
        ):
            response = self.url_open("/metrics", headers={**OPTIONAL, "Authorization": authorization})
            self.assertEqual(response.status_code, 401, authorization)

    def test_the_query_is_there_for_addons_that_read_it_after_the_endpoint(self):
        http, queries = self.registry["ir.http"], []
        post_dispatch = http._post_dispatch

        def read_and_post_dispatch(response):
            queries.append(request.params)
            return post_dispatch(response)

        with patch.object(http, "_post_dispatch", read_and_post_dispatch):
            response = self.scrape("?group[]=system&utm_source=trial")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(queries, [{"group[]": "system", "utm_source": "trial"}])

    def test_a_refusal_is_counted(self):
        def refused():
            key = "odoo_telemetry_errors_total", None, ("unauthorized",), ""
            return store.reader.values()[0].get(key, 0)

        before = refused()
        self.scrape(token="wrong")
        self.assertEqual(refused(), before + 1)

    def test_a_rotation(self):
        newer = self.settings._new_scrape_token()
        self.commit()
        for token in (self.token, newer):
            self.assertEqual(self.scrape(token=token).status_code, 200)
        self.settings._end_older_token()
        self.commit()
        self.assertEqual(self.scrape(token=newer).status_code, 200)
        self.assertEqual(self.scrape(token=self.token).status_code, 401)

    def test_text(self):
        response = self.scrape()
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain; version="))
        self.assertNotIn("# EOF", response.text)
        self.assertIn(BACKLOG, {family.name for family in parse_text(response.text)})
        self.assertNotIn("Set-Cookie", response.headers)

    def test_openmetrics(self):
        response = self.scrape(Accept=OPENMETRICS)
        self.assertTrue(response.headers["Content-Type"].startswith("application/openmetrics-text"))
        self.assertTrue(response.text.endswith("# EOF\n"))
        self.assertIn(BACKLOG, {family.name for family in parse_openmetrics(response.text)})

    def test_gzip(self):
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip"}
        response = self.opener.get(f"{self.base_url()}/metrics", headers=headers, stream=True, timeout=30)
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertIn(BACKLOG.encode(), gzip.decompress(response.raw.read(decode_content=False)))
        self.assertNotIn("Content-Encoding", self.scrape().headers)

    def test_names(self):
        self.assertEqual(self.names(f"?name[]={BACKLOG}"), {BACKLOG})
        expected = {BACKLOG, "odoo_orm_cache_hits"}
        query = f"?name[]={BACKLOG}&name[]=odoo_orm_cache_hits_total"
        self.assertEqual(self.names(query), expected)
        self.assertEqual(self.names("?name[]=no_such_metric"), set())

    def test_groups(self):
        for group in ("system", "business"):
            self.assertEqual(self.groups(f"?group[]={group}"), {group})
        self.assertLessEqual({"system", "business"}, self.groups("?group[]=system&group[]=business"))
        self.assertLessEqual({"system", "business"}, self.groups(""))

    def test_filters_leave_nothing_in_the_log(self):
        with self.assertNoLogs("odoo.http", "WARNING"):
            self.scrape(f"?group[]=fast&name[]={BACKLOG}")

    def test_an_unknown_group_is_a_mistake(self):
        response = self.scrape("?group[]=slow&group[]=fast")
        self.assertEqual(response.status_code, 400)
        self.assertIn("no group slow; the groups are fast, system, business", response.text)

    def test_a_group_that_is_off_is_not_exported(self):
        self.settings._set("groups", "business")
        self.commit()
        self.assertEqual(self.groups(""), {"business"})
        self.assertEqual(self.groups("?group[]=system"), set())

    def test_thresholds(self):
        self.settings._set("concurrent_users_threshold", "1000")
        self.commit()
        self.assertIn(
            f'odoo_telemetry_threshold{{database="{self.database}",name="concurrent_users"}} 1000.0',
            self.scrape("?name[]=odoo_telemetry_threshold").text.splitlines(),
        )

    def test_it_is_read_only(self):
        self.assertEqual(self.url_open("/metrics", data={"a": "b"}).status_code, 405)
