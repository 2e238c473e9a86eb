from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged

from .. import monitoring
from ..metrics.catalogue import APPLICATION_ERRORS, CRON_DURATION, CRON_FAILURES
from ..models.metric_history import MOST_SERIES
from .monitoring_case import NOWHERE, Monitored, answering

FAILURES, DURATION, ERRORS = CRON_FAILURES.name, CRON_DURATION.name, APPLICATION_ERRORS.name
BACKLOG, WORKERS = "odoo_telemetry_ledger_backlog", "odoo_workers_configured"


@tagged("post_install", "-at_install")
class TestMetricHistory(Monitored, TransactionCase):
    def setUp(self):
        super().setUp()
        self.metrics = self.env["telemetry.metric"].with_user(self.user)
        CRON_FAILURES.inc(database=self.database, cron="Trial")
        CRON_DURATION.observe(1, database=self.database, cron="Trial")
        APPLICATION_ERRORS.inc(error_type="orm_error", error_class="ValueError", module_name="base")

    def read(self, name, series=(), number=0, span="hour"):
        """Return what the page shows, and {API: query} that Prometheus was asked.

        :param series: what Prometheus returns, of ``number`` in total
        """
        queries = {}

        def answer(path, parameters):
            queries[path.rpartition("/")[2]] = parameters["query"]
            values = {"value": [1, str(number)]} if path.endswith("/query") else {}
            found = [{"metric": labels, "values": points} for labels, points in series] if not values else [values]
            return {"data": {"result": found}}

        with answering(answer) as (url, _asked):
            self.configure(prometheus=url)
            return self.metrics.read_history(name, span), queries

    def test_a_counter_is_drawn_as_a_rate_by_its_labels(self):
        points = [[1000, "0"], [1060, "0.5"]]
        history, queries = self.read(FAILURES, [({"cron": "B"}, points), ({"cron": "A"}, points)], 2)
        self.assertEqual(
            history["chart"]["series"],
            [{"label": "A", "values": [0, 0.5]}, {"label": "B", "values": [0, 0.5]}],
        )
        self.assertEqual((history["chart"]["unit"], history["chart"]["times"]), ("number/s", [1000, 1060]))
        self.assertEqual((history["what"], history["more"]), ("Rate per second, over 5 minutes", 0))
        start, end = history["chart"]["range"]
        self.assertAlmostEqual(end - start, 3750, delta=151)
        of = f'{FAILURES}{{database="{self.database}"}}'
        self.assertRegex(
            queries["query_range"],
            rf"^sum by \(cron\) \(rate\({of}\[300s\]\)\) and on \(cron\) topk\({MOST_SERIES}, "
            rf"sum by \(cron\) \(increase\({of}\[3[6-9]\d\ds\] @ end\(\)\)\)\)$",
        )

    def test_a_histogram_is_drawn_as_its_p95(self):
        history, queries = self.read(DURATION, [({"cron": "A"}, [[1, "0.25"]])], 1)
        self.assertEqual((history["what"], history["chart"]["unit"]), ("p95 over 5 minutes", "seconds"))
        self.assertIn("histogram_quantile(0.95, sum by (le, cron) (rate(", queries["query_range"])
        self.assertIn(f"increase({DURATION}_count", queries["query_range"])

    def test_gauges_of_a_database_are_one_and_those_of_servers_are_several(self):
        _history, queries = self.read(BACKLOG)
        self.assertTrue(queries["query_range"].startswith(f'max ({BACKLOG}{{database="{self.database}"}}) and on () '))
        series = [({"instance": name}, [[1, "4"]]) for name in ("a:8069", "b:8069")]
        history, queries = self.read(WORKERS, series, 2)
        self.assertRegex(queries["query_range"], rf"^max by \(instance, \w+\) \({WORKERS}\) and on \(\w+, instance\) ")
        self.assertEqual([one["label"] for one in history["chart"]["series"]], ["a:8069", "b:8069"])

    def test_of_a_long_span_the_rate_is_over_what_lies_between_points(self):
        history, queries = self.read(FAILURES, span="week")
        self.assertRegex(queries["query_range"], r"\[10\d{3}s\]\)\) and on")
        self.assertRegex(history["what"], r"over 1[67]\d minutes")

    def test_few_series_are_drawn_and_the_others_are_counted(self):
        history, queries = self.read(ERRORS, [({"error_type": "orm_error"}, [[1, "1"]])], 40)
        self.assertEqual((len(history["chart"]["series"]), history["more"]), (1, 39))
        self.assertTrue(queries["query"].startswith("count(sum by ("))

    def test_the_legend_leaves_out_what_all_series_share(self):
        series = [({"error_type": "orm_error", "module_name": name}, [[1, "1"]]) for name in ("base", "mail")]
        history, _queries = self.read(ERRORS, series, 2)
        self.assertEqual([one["label"] for one in history["chart"]["series"]], ["base", "mail"])

    def test_a_line_ends_where_nothing_is_known(self):
        points = [[60, "1"], [120, "1"], [300, "1"], [360, "NaN"]]
        history, _queries = self.read(BACKLOG, [({}, points)])
        self.assertEqual(history["chart"]["times"], [60, 120, 180, 240, 300, 360])
        self.assertEqual(history["chart"]["series"][0]["values"], [1, 1, None, None, 1, None])

    def test_without_values_there_is_no_chart(self):
        for series in ([], [({}, [[1, "NaN"]])]):
            history, _queries = self.read(BACKLOG, series)
            self.assertEqual((history["chart"], history["message"], history["more"]), (False, False, 0))
            monitoring.forget()

    def test_prometheus_that_does_not_answer_is_named(self):
        self.configure(prometheus=NOWHERE)
        history = self.metrics.read_history(BACKLOG, "hour")
        self.assertFalse(history["chart"])
        self.assertIn("127.0.0.1:9 does not respond", history["message"])

    def test_another_query_is_never_asked(self):
        with answering({"data": {"result": []}}) as (url, asked):
            self.configure(prometheus=url)
            for name in ("up", f"{BACKLOG}) or (up", ""):
                with self.assertRaisesRegex(UserError, "is not exported, or Prometheus' URL is not set"):
                    self.metrics.read_history(name, "hour")
            with self.assertRaisesRegex(UserError, "no period year"):
                self.metrics.read_history(BACKLOG, "year")
        self.configure()
        with patch("requests.get") as get, self.assertRaises(UserError):
            self.metrics.read_history(BACKLOG, "hour")
        self.assertEqual((asked, get.called), ([], False))

    def test_others_may_not(self):
        for groups in ("base.group_user", "base.group_erp_manager", "base.group_portal"):
            user = new_test_user(self.env, f"telemetry_{groups}", groups=groups)
            with self.assertRaises(AccessError):
                self.metrics.with_user(user).read_history(BACKLOG, "hour")
