from urllib.parse import quote

from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..metrics import catalogue
from ..metrics.catalogue import CRON_DURATION, CRON_FAILURES
from .settings_case import Published

BACKLOG = "odoo_telemetry_ledger_backlog"


@tagged("post_install", "-at_install")
class TestMetric(Published, TransactionCase):
    def setUp(self):
        super().setUp()
        user = new_test_user(self.env, "telemetry_viewer", groups="base.group_system")
        self.metrics = self.env["telemetry.metric"].with_user(user)

    def metric(self, name):
        [metric] = [metric for metric in self.metrics.read_metrics() if metric["name"] == name]
        return metric

    def test_a_counter(self):
        name, labels = "odoo_cron_failures_total", {"cron": "Trial"}

        def count():
            CRON_FAILURES.inc(database=self.database, cron="Trial")
            [found] = [one["value"] for one in self.metric(name)["series"] if one["labels"] == labels]
            return found

        self.assertEqual(count() + 1, count())
        metric = self.metric(name)
        self.assertEqual((metric["kind"], metric["group"], metric["specification"]), ("counter", "system", False))
        self.assertEqual(metric["help"], catalogue.METRICS[name].help)
        self.assertEqual(metric["promql"], f'sum by (cron) (rate({name}{{database="{self.database}"}}[5m]))')

    def test_a_histogram_is_a_number_and_a_mean(self):
        name, labels = "odoo_cron_duration_seconds", ("Trial",)

        def series(metric):
            [found] = [one for one in metric["series"] if tuple(one["labels"].values()) == labels]
            return found

        CRON_DURATION.observe(10, database=self.database, cron="Trial")
        before = series(self.metric(name))
        CRON_DURATION.observe(30, database=self.database, cron="Trial")
        metric = self.metric(name)
        after = series(metric)
        self.assertEqual((metric["kind"], metric["unit"]), ("histogram", "seconds"))
        self.assertEqual(after["value"], before["value"] + 1)
        self.assertAlmostEqual(after["mean"], (before["value"] * before["mean"] + 30) / after["value"])
        self.assertEqual(
            metric["promql"],
            f'histogram_quantile(0.95, sum by (le, cron) (rate({name}_bucket{{database="{self.database}"}}[5m])))',
        )

    def test_labels(self):
        thresholds = self.metric("odoo_telemetry_threshold")
        self.assertIn({"name": "concurrent_users"}, [series["labels"] for series in thresholds["series"]])
        self.assertEqual(thresholds["promql"], f'odoo_telemetry_threshold{{database="{self.database}"}}')

    def test_a_group_that_is_off_is_not_shown(self):
        self.settings._set("groups", "system")
        self.commit()
        self.assertEqual({metric["group"] for metric in self.metrics.read_metrics()}, {"system"})

    def test_links_lead_where_settings_say(self):
        self.settings._set("prometheus_url", "http://prometheus.example.com/")
        self.settings._set("grafana_url", "")
        expression = quote(f'{BACKLOG}{{database="{self.database}"}}')
        self.assertEqual(
            self.metric(BACKLOG)["links"],
            {"Prometheus": f"http://prometheus.example.com/graph?g0.expr={expression}&g0.tab=0"},
        )
        self.settings._set("grafana_url", "http://grafana.example.com")
        self.assertIn("http://grafana.example.com/explore?", self.metric(BACKLOG)["links"]["Grafana"])

    def test_a_link_does_not_hold_the_credential_that_the_server_asks_with(self):
        self.settings._set("prometheus_url", "http://ada:secret@prometheus.example.com:9090")
        link = self.metric(BACKLOG)["links"]["Prometheus"]
        self.assertTrue(link.startswith("http://prometheus.example.com:9090/graph?"), link)

    def test_others_may_not(self):
        for groups in ("base.group_user", "base.group_erp_manager", "base.group_portal"):
            user = new_test_user(self.env, f"telemetry_{groups}", groups=groups)
            with self.assertRaises(AccessError):
                self.metrics.with_user(user).read_metrics()
