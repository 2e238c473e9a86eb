import gzip
import tempfile
from unittest.mock import patch

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from odoo.http import request
from odoo.tests import HttpCase, tagged

from ..metrics import catalogue, store
from ..metrics.catalogue import HTTP_REQUEST_SQL_SECONDS, ORM_CACHE_HITS
from ..metrics.settings import Settings
from ..models import reading
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
        self.assertNotIn("# TYPE", response.text)

    def test_it_has_a_path_that_no_other_exporter_has(self):
        self.assertEqual(self.url_open("/telemetry/metrics", headers=OPTIONAL).status_code, 401)
        scraped = self.url_open("/telemetry/metrics", headers={**OPTIONAL, "Authorization": f"Bearer {self.token}"})
        self.assertIn("odoo_telemetry_scrape_duration_seconds", scraped.text)

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

    def test_creation_times_are_sent_if_they_are_asked_for(self):
        created = f'odoo_http_request_sql_seconds_created{{database="{self.database}",route="/created"}} '
        HTTP_REQUEST_SQL_SECONDS.inc(1, route="/created", database=self.database)
        self.assertIn(created, self.scrape("?created=true", Accept=OPENMETRICS).text)
        self.assertNotIn(created, self.scrape("?created=true").text)
        self.assertNotIn(created, self.scrape("?created=false", Accept=OPENMETRICS).text)
        self.assertNotIn(created, self.scrape(Accept=OPENMETRICS).text)

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
        self.assertIn("Unknown group slow; the groups are fast, system, business", response.text)

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

    def serve_with(self, token=None, path=None):
        """Make ``token``, and those in the file ``path``, tokens of the server during the test."""
        self.addCleanup(store.server_tokens.configure, None, None)
        store.server_tokens.configure(token, path)

    def test_the_token_of_the_server_opens_all_databases(self):
        self.serve_with("of the server")
        store.databases.publish("another", Settings())
        self.addCleanup(store.databases.withdraw, "another")
        ORM_CACHE_HITS.inc()
        HTTP_REQUEST_SQL_SECONDS.inc(1, route="/trial", database="another")
        with patch.object(reading, "MOST_LOADED", 0):
            shown = self.scrape(token="of the server").text
        self.assertIn(f'odoo_telemetry_threshold{{database="{self.database}",name="concurrent_users"}}', shown)
        self.assertIn("odoo_orm_cache_hits_total", shown)
        self.assertNotIn('database="another"', shown, "it does not exist: it is withdrawn")
        self.assertEqual(self.scrape(token="of the server ").status_code, 200)
        for wrong in ("of the serve", "of the server2", "OF THE SERVER"):
            self.assertEqual(self.scrape(token=wrong).status_code, 401)
        self.assertEqual(self.scrape().status_code, 200, "the database's own token stays valid")

    def test_the_token_of_the_server_is_valid_while_no_database_is_measured(self):
        self.serve_with("of the server")
        with patch.object(store.databases, "settings", return_value={}):
            response = self.scrape(token="of the server", Accept=OPENMETRICS)
            self.assertEqual((response.status_code, response.text), (200, "# EOF\n"))
            self.assertEqual(self.scrape(token="another").status_code, 401)

    def test_tokens_in_a_file_are_read_again_when_it_changes(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("older\n\nnewer\n")
            file.flush()
            self.serve_with("of the server", file.name)
            statuses = [self.scrape(token=token).status_code for token in ("older", "newer", "of the server")]
            self.assertEqual(statuses, [200, 200, 200])
            file.truncate(0)
            file.seek(0)
            file.write("newest")
            file.flush()
            statuses = [self.scrape(token=token).status_code for token in ("older", "newest", "of the server")]
            self.assertEqual(statuses, [401, 200, 200])
        self.assertEqual(self.scrape(token="newest").status_code, 401, "the file is gone")

    def test_a_scrape_loads_few_databases(self):
        """This one is loaded; the other one exists, and would take memory of the worker."""
        store.databases.publish("postgres", Settings())
        self.addCleanup(store.databases.withdraw, "postgres")
        with patch.object(reading, "MOST_LOADED", 0), patch.object(reading, "refresh", wraps=reading.refresh) as read:
            reading.refresh_all(["postgres", self.database], ["system"])
        read.assert_called_once_with(self.database, ["system"])
        self.assertIn("postgres", store.databases.settings())

    def test_the_database_that_was_read_longest_ago_is_read_first(self):
        """A scrape reads as many databases as it has time for: here, one."""
        names = ["a", "b", "c"]
        with (
            patch.object(reading, "SCRAPE_SECONDS", -1.0),
            patch.object(reading, "MOST_LOADED", 2),
            patch.object(reading, "snapshot", return_value=dict.fromkeys(names)),
            patch.object(reading, "refresh") as read,
        ):
            for _scrape in range(4):
                reading.refresh_all(names, ["system"])
        self.assertEqual([call.args[0] for call in read.call_args_list], ["a", "b", "c", "a"])

    def test_it_is_read_only(self):
        self.assertEqual(self.url_open("/metrics", data={"a": "b"}).status_code, 405)
