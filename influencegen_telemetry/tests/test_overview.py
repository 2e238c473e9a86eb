import uuid
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from psycopg2.errors import QueryCanceled

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tests.common import get_db_name

from odoo.addons.odoo_telemetry import monitoring
from odoo.addons.odoo_telemetry.metrics import catalogue
from odoo.addons.odoo_telemetry.metrics.catalogue import APPLICATION_ERRORS, ERRORS
from odoo.addons.odoo_telemetry.models import overview, overview_comparison, reading
from odoo.addons.odoo_telemetry.publication import publish_loaded
from odoo.addons.odoo_telemetry.tests.monitoring_case import NOWHERE, Monitored, answering
from odoo.addons.odoo_telemetry.tests.test_alert import alert

from ..alert_thresholds import THRESHOLDS
from ..business import FACTS, SPECIFICATION
from ..business.metrics import KYC_VERIFICATIONS, REGISTRATION_SUCCESS


@tagged("post_install", "-at_install")
class TestOverview(Monitored, TransactionCase):
    @classmethod
    def setUpClass(cls):
        # the first scrape takes what was there before into the ledger
        publish_loaded()
        reading.refresh(get_db_name())
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.overview = self.env["telemetry.overview"].with_user(self.user)
        # what the database held before is older than every period
        self.env.cr.execute("UPDATE influencegen_influencer SET create_date = '2020-01-01'")

    def tile(self, name, span="today"):
        self.env.flush_all()
        self.env["telemetry.ledger"]._roll_up()
        [tile] = [tile for tile in self.overview.read_tiles(span) if tile["name"] == name]
        return tile

    def register(self, count, company=None, **ago):
        company = company or self.env.company
        people = self.env["influencegen.influencer"]._create_as_system(
            [
                {
                    "name": "Ada",
                    "email": f"{uuid.uuid4()}@example.com",
                    "birthdate": "1990-01-01",
                    "source": "portal",
                    "company_id": company.id,
                }
                for _ in range(count)
            ]
        )
        people.flush_recordset()
        self.env.cr.execute(
            "UPDATE influencegen_influencer SET create_date = %s WHERE id = ANY(%s)",
            [fields.Datetime.now() - timedelta(**ago), people.ids],
        )
        people.invalidate_recordset()
        return people

    def listed(self, tile):
        """Return how many records the list has that a tile leads to."""
        action = tile["action"]
        return self.overview.env[action["res_model"]].search_count(action["domain"])

    def image(self, state, seconds):
        now = fields.Datetime.now() - timedelta(minutes=1)
        self.ask(requested_at=now - timedelta(seconds=seconds))._transition(state, finished_at=now)

    def ask(self, **values):
        model = self.env["influencegen.image.model"].search([], limit=1)
        return self.env["influencegen.image"].create({"model_id": model.id, "prompt": "A cat", **values})

    # ------------------------------------------------------------------ what Odoo knows

    def test_registrations_equal_the_list_that_the_tile_opens(self):
        self.register(3, minutes=10)
        self.register(2, days=3)
        # before the clock was set back
        self.register(1, minutes=-30)
        for span, count in {"hour": 4, "week": 6}.items():
            tile = self.tile("registrations", span)
            self.assertEqual((tile["value"], self.listed(tile)), (count, count), span)
            [series] = tile["chart"]["series"]
            self.assertEqual(sum(series["values"]), count, span)
            self.assertEqual(len(series["values"]), len(tile["chart"]["times"]), span)

    def test_values_are_of_all_companies_and_lists_of_the_selected(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.user.company_ids |= other
        waiting = dict(detail[:2] for detail in self.tile("images")["details"])["in progress"]
        self.ask(company_id=other.id)
        self.register(1, minutes=1)
        self.register(2, company=other, minutes=1)
        listed = {}
        for selected in (self.env.company, self.env.company | other):
            self.overview = self.overview.with_context(allowed_company_ids=selected.ids)
            tile = self.tile("registrations")
            listed[tile["action"]["name"]] = (tile["value"], self.listed(tile))
            self.assertEqual(dict(detail[:2] for detail in self.tile("images")["details"])["in progress"], waiting + 1)
        self.assertEqual(listed, {"Registrations in the selected companies": (3, 1), "Registrations": (3, 3)})

    def test_companies_are_counted_once_for_all_lists(self):
        companies = self.env.registry["res.company"]
        with patch.object(companies, "search_count", autospec=True, return_value=1_000) as counted:
            tile = self.tile("registrations")
        counted.assert_called_once()
        self.assertEqual(tile["action"]["name"], "Registrations in the selected companies")

    def test_who_was_entered_in_the_back_office_did_not_register(self):
        before = self.tile("registrations", "hour")["value"]
        self.register(1, minutes=1)._as_system().source = "backoffice"
        self.assertEqual(self.tile("registrations", "hour")["value"], before)

    def test_what_happened_just_now_is_in_the_last_bar(self):
        self.register(1, seconds=5)
        self.assertEqual(self.tile("registrations", "hour")["chart"]["series"][0]["values"][-1], 1)

    def test_today_begins_at_the_midnight_of_the_user(self):
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            start = self.overview.with_context(tz=zone)._span("today").start
            local = fields.Datetime.context_timestamp(self.overview.with_context(tz=zone), start)
            self.assertEqual((local.hour, local.minute), (0, 0), zone)
            self.assertLess(fields.Datetime.now() - start, timedelta(days=1, minutes=1))

    def test_the_funnel_narrows_and_ends_with_who_is_active(self):
        people = self.register(4, minutes=1)
        before = self.tile("funnel")["chart"]["series"][0]["values"]
        people[:2]._transition("kyc_pending")
        for person, outcome in zip(people, ("approved", "rejected"), strict=False):
            kyc = self.env["influencegen.kyc"].create({"influencer_id": person.id})
            kyc._transition("submitted", submitted_at=fields.Datetime.now())
            kyc._transition(outcome)
        people[0]._transition("active")
        tile = self.tile("funnel")
        values = tile["chart"]["series"][0]["values"]
        self.assertEqual([value - known for value, known in zip(values, before, strict=True)], [0, 2, 1, 1])
        self.assertEqual(tile["value"], self.env["influencegen.influencer"].search_count([("state", "=", "active")]))

    def test_images(self):
        self.env.cr.execute("UPDATE influencegen_image SET finished_at = '2020-01-01'")
        for seconds in (10, 10, 40):
            self.image("done", seconds)
        self.image("timed_out", 900)
        tile = self.tile("images", "hour")
        # 0.85 of the way through the bucket of 30 to 45 s, which the third image is in
        self.assertAlmostEqual(tile["value"], 42.75)
        self.assertEqual(tile["state"], "bad")
        details = {label: value for label, value, _unit in tile["details"]}
        self.assertEqual((details["succeeded"], details["images stored"], details["failed"]), (75, 3, 1))

    def test_images_within_the_target(self):
        self.env.cr.execute("UPDATE influencegen_image SET finished_at = '2020-01-01'")
        self.image("done", 30)
        self.assertEqual(self.tile("images", "hour")["state"], "good")

    def test_nothing_happened_is_nothing_to_judge(self):
        self.env.cr.execute("UPDATE influencegen_image SET finished_at = '2020-01-01'")
        tile = self.tile("images", "hour")
        self.assertEqual((tile["value"], tile["state"]), (None, "none"))

    def test_targets_are_the_thresholds_of_the_alerts(self):
        changed = {"RegistrationsLow": {"below_per_hour": 7}, "RegistrationsHigh": {"above_per_hour": 9}}
        with patch.dict(THRESHOLDS, changed):
            self.assertEqual(self.tile("registrations")["target"], "7 to 9 per hour")
        self.assertEqual(self.tile("registrations")["target"], "50 to 100 per hour")

    def test_errors_are_those_of_metrics(self):
        before = self.tile("errors")["value"]
        APPLICATION_ERRORS.inc(3, error_type="orm_error", error_class="ValueError", module_name="base")
        self.assertEqual(self.tile("errors")["value"], before + 3)

    def test_a_refused_scrape_is_not_a_failure_of_telemetry(self):
        before = self.tile("telemetry")["value"]
        ERRORS.inc(reason="unauthorized")
        ERRORS.inc(reason="disk")
        self.assertEqual(self.tile("telemetry")["value"], before + 1)

    # ------------------------------------------------------------------ the previous period

    def at(self, moment):
        """Have the overview read at a moment (naive, UTC)."""
        now = patch.object(overview, "datetime", wraps=datetime)
        now.start().now.side_effect = moment.replace(tzinfo=UTC).astimezone
        self.addCleanup(now.stop)

    def registered_at(self, *moments):
        """Have one influencer register at each of the moments (naive, UTC)."""
        for person, moment in zip(self.register(len(moments)), moments, strict=True):
            self.env.cr.execute(
                "UPDATE influencegen_influencer SET create_date = %s WHERE id = %s", [moment, person.id]
            )

    def span(self, name, zone="UTC"):
        return self.overview.with_context(tz=zone)._span(name)

    def test_the_period_before_ends_where_its_neighbour_begins_or_at_the_same_time_yesterday(self):
        self.at(datetime(2026, 3, 29, 10, 7, 31))
        expected = {
            # Berlin's clocks went forward at 02:00: 12:07:31 there is 10:07:31 UTC today, and was 11:07:31 yesterday
            ("today", "Europe/Berlin"): ("28 23:00:00", "29 10:07:31", "27 23:00:00", "28 11:07:31"),
            ("today", "Pacific/Kiritimati"): ("29 10:00:00", "29 10:07:31", "28 10:00:00", "28 10:07:31"),
            ("today", "Pacific/Pago_Pago"): ("28 11:00:00", "29 10:07:31", "27 11:00:00", "28 10:07:31"),
            ("hour", "UTC"): ("29 09:05:00", "29 10:07:31", "29 08:02:29", "29 09:05:00"),
            ("week", "UTC"): ("22 10:00:00", "29 10:07:31", "15 09:52:29", "22 10:00:00"),
        }
        for (name, zone), moments in expected.items():
            span = self.span(name, zone)
            found = (span.start, span.end, span.before.start, span.before.end)
            self.assertEqual(tuple(f"{moment:%d %H:%M:%S}" for moment in found), moments, (name, zone))
        self.assertEqual(self.span("today", "Europe/Berlin").before.name, "yesterday until 12:07")

    def test_rows_at_the_borders_belong_to_one_period(self):
        instant = timedelta(microseconds=1)
        for name, zone in (
            ("hour", "UTC"),
            ("week", "UTC"),
            ("today", "Pacific/Kiritimati"),
            ("today", "Asia/Kolkata"),
        ):
            span = self.span(name, zone)
            start, end = span.before.start, span.before.end
            self.registered_at(start - instant)
            before = overview_comparison.count_before(self.env, span, REGISTRATION_SUCCESS)
            self.registered_at(start, end - instant, end)
            self.assertEqual(
                overview_comparison.count_before(self.env, span, REGISTRATION_SUCCESS), before + 2, (name, zone)
            )

    def test_registrations_are_compared_and_neither_more_nor_less_is_better(self):
        self.register(1, days=2)
        self.register(6, minutes=1)
        self.register(4, minutes=100)
        comparison = self.tile("registrations", "hour")["comparison"]
        self.assertEqual(
            (comparison["change"], comparison["before"], comparison["period"], comparison["state"]),
            (50, 4, "previous hour", "none"),
        )
        # none is older than 7 days
        self.assertFalse(self.tile("registrations", "week")["comparison"])

    def test_there_is_no_comparison_with_a_time_before_the_first_row(self):
        self.register(1, minutes=1)
        self.register(1, days=2)
        self.register(1, minutes=100)
        self.assertEqual(self.tile("registrations", "hour")["comparison"]["before"], 1)
        now = fields.Datetime.now()
        self.env.cr.execute(
            "UPDATE influencegen_influencer SET create_date = %s WHERE create_date < %s",
            [now - timedelta(minutes=80), now - timedelta(days=1)],
        )
        self.assertFalse(self.tile("registrations", "hour")["comparison"])

    def test_latency_is_better_if_less_and_the_quantile_is_of_the_same_buckets(self):
        self.env.cr.execute("UPDATE influencegen_image SET finished_at = '2020-01-01'")
        self.ask(requested_at=datetime(2020, 1, 1))._transition("done", finished_at=datetime(2020, 1, 1, 0, 1))
        for seconds in (10, 10, 40):
            self.image("done", seconds)
        tile = self.tile("images", "hour")
        self.assertFalse(tile["comparison"])
        # the same images in the previous hour
        self.env.cr.execute(
            "INSERT INTO influencegen_image"
            " (uuid, model_id, prompt, state, user_id, company_id, requested_at, finished_at)"
            " SELECT gen_random_uuid(), model_id, prompt, state, user_id, company_id, requested_at - interval '90 min',"
            " finished_at - interval '90 min' FROM influencegen_image WHERE finished_at > '2021-01-01'"
        )
        comparison = self.tile("images", "hour")["comparison"]
        self.assertEqual((comparison["change"], comparison["state"]), (0, "none"))
        self.assertAlmostEqual(comparison["before"], tile["value"])
        self.image("done", 300)
        comparison = self.tile("images", "hour")["comparison"]
        # from 42.75 s to 60 s, the last bound that there is
        self.assertEqual((comparison["change"], comparison["state"], comparison["unit"]), (40.4, "bad", "seconds"))

    def test_shares_change_by_percentage_points(self):
        self.env.cr.execute("UPDATE influencegen_kyc SET reviewed_at = '2020-01-01', automated_at = NULL")
        decided = [("rejected", 3000), ("rejected", 100), ("approved", 100)]
        decided += [("approved", 1), ("approved", 1), ("rejected", 1)]
        for person, (state, minutes) in zip(self.register(len(decided)), decided, strict=True):
            kyc = self.env["influencegen.kyc"].create({"influencer_id": person.id})
            kyc._transition("submitted", submitted_at=fields.Datetime.now())
            kyc._transition(state, reviewed_at=fields.Datetime.now() - timedelta(minutes=minutes))
        comparison = self.tile("funnel", "hour")["comparison"]
        self.assertEqual(
            (comparison["subject"], comparison["before"], comparison["change"], comparison["state"]),
            ("KYC approval rate", 50, 16.7, "good"),
        )
        self.assertTrue(comparison["points"])
        span = self.span("hour")
        self.assertEqual(overview_comparison.count_before(self.env, span, KYC_VERIFICATIONS, outcome="approved"), 1)

    def test_nothing_is_compared_that_takes_too_long(self):
        self.register(1, minutes=100)
        with patch.object(overview_comparison, "_read", side_effect=QueryCanceled):
            self.assertFalse(self.tile("registrations", "hour")["comparison"])

    def test_the_period_before_is_found_by_index(self):
        plans, read = [], overview_comparison._read

        def explain(env, statement):
            self.env.cr.execute(f"EXPLAIN {statement}")
            plans.append("\n".join(line for (line,) in self.env.cr.fetchall()))
            return read(env, statement)

        # of few rows, PostgreSQL would read all
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        with patch.object(overview_comparison, "_read", explain):
            for metric in FACTS:
                if metric.rows[0].at and not metric.rows[0].distinct:
                    overview_comparison.samples_before(self.env, self.span("week"), metric)
        self.assertGreater(len(plans), 12)
        for plan in plans:
            self.assertRegex(plan, "Index.* telemetry_at_influencegen_")
            self.assertNotRegex(plan, "Seq Scan on influencegen_(influencer|kyc|image |payment_attempt)")

    def test_errors_are_compared_by_prometheus_and_fewer_are_better(self):
        increases, asked = {"now": "12", "before": "10"}, []

        def answer(path, parameters):
            if path.endswith("/query_range"):
                return {"data": {"result": []}}
            asked.append(parameters)
            when = "now" if float(parameters["time"]) > fields.Datetime.now().timestamp() - 600 else "before"
            found = [{"metric": {}, "value": [1, increases[when]]}] if increases[when] else []
            return {"data": {"result": found}}

        for now, before, expected in (
            ("12", "10", (20, 10, "bad")),
            ("5", "10", (-50, 10, "good")),
            ("5", "0", None),
            ("5", "", None),
            ("", "5", None),
        ):
            increases.update(now=now, before=before)
            monitoring.forget()
            with answering(answer) as (url, _asked):
                self.configure(prometheus=url)
                comparison = self.overview.read_monitoring("hour")["errors"]["comparison"]
            shown = comparison and (comparison["change"], comparison["before"], comparison["state"])
            self.assertEqual(shown or None, expected, (now, before))
        queries = {query["query"] for query in asked}
        self.assertTrue(all("offset" in query for query in queries), queries)

    def test_without_prometheus_errors_are_not_compared(self):
        for url in ("", NOWHERE):
            self.configure(prometheus=url)
            self.assertFalse(self.overview.read_monitoring("hour")["errors"]["comparison"])

    # ------------------------------------------------------------------ access

    def test_others_may_not(self):
        for groups in ("base.group_user", "influencegen.group_administrator", "base.group_portal"):
            overview = self.overview.with_user(new_test_user(self.env, f"telemetry_{groups}", groups=groups))
            for method in (overview.read_tiles, overview.read_monitoring):
                with self.assertRaises(AccessError):
                    method("today")

    def test_another_span_is_refused(self):
        with self.assertRaisesRegex(UserError, "no period year"):
            self.overview.read_tiles("year")

    # ------------------------------------------------------------------ monitoring

    def test_without_addresses_the_tiles_say_what_to_set(self):
        added = self.overview.read_monitoring("today")
        self.assertIn("Prometheus", added["backups"]["hint"])
        self.assertIn("Alertmanager", added["alerts"]["message"])
        self.assertFalse(self.tile("registrations")["dashboard"])
        self.assertFalse(self.tile("alerts")["alertmanager"])

    def test_dashboards_are_linked_where_grafana_is(self):
        self.configure(grafana="https://grafana.example.com/")
        self.assertEqual(
            self.tile("registrations")["dashboard"], "https://grafana.example.com/d/business-operations-overview"
        )

    def test_alerts_are_counted_and_named_on_the_tile_that_they_are_about(self):
        alerts = [alert("One", "critical", tile="images"), alert("Other"), alert("ImagesOfNoTile")]
        with answering(alerts) as (url, _asked):
            self.configure(alertmanager=url)
            added = self.overview.read_monitoring("today")
        self.assertEqual((added["alerts"]["value"], added["alerts"]["state"]), (3, "bad"))
        self.assertEqual({name: part["firing"] for name, part in added.items() if part["firing"]}, {"images": 1})

    def test_history(self):
        now = fields.Datetime.now().timestamp()
        series = {"metric": {"backup": "platform"}, "values": [[now - 60, "3600"], [now, "3660"]]}
        with answering({"status": "success", "data": {"result": [series]}}) as (url, asked):
            self.configure(prometheus=url)
            added = self.overview.read_monitoring("hour")
        self.assertEqual(added["backups"]["value"], 3660)
        # the age of a backup says nothing about a target
        self.assertNotIn("state", added["backups"])
        self.assertEqual((self.tile("backups")["target"], self.tile("backups")["state"]), (False, "none"))
        self.assertEqual(added["backups"]["chart"]["series"], [{"label": "platform", "values": [3600, 3660]}])
        queries = {parse_qs(urlsplit(path).query)["query"][0] for path in asked if "/query_range?" in path}
        self.assertEqual(queries, set(self.overview._queries().values()))

    def test_what_is_not_a_number_is_left_out(self):
        series = {"metric": {}, "values": [[1, "NaN"], [2, "+Inf"], [3, "7"]]}
        with answering({"data": {"result": [series]}}) as (url, _asked):
            self.configure(prometheus=url)
            added = self.overview.read_monitoring("hour")
        self.assertEqual(added["images"]["chart"]["series"][0]["values"], [None, None, 7])

    def test_prometheus_down_is_shown_and_the_tiles_stay(self):
        self.configure(prometheus=NOWHERE, alertmanager=NOWHERE)
        added = self.overview.read_monitoring("today")
        for name in ("images", "errors", "alerts", "backups", "telemetry"):
            self.assertIn("does not respond", added[name]["message"], name)
            self.assertTrue(self.tile(name)["title"])

    def test_garbage_is_reported(self):
        for garbage in (b"<html>", [], {"data": {"result": [{"metric": {}}]}}):
            with answering(garbage) as (url, _asked):
                self.configure(prometheus=url)
                added = self.overview.read_monitoring("today")
            self.assertIn("answered with an error", added["telemetry"]["message"], garbage)

    def test_every_query_names_series_of_the_catalogue_or_rules_of_the_specification(self):
        rules = {requirement.rule for requirement in SPECIFICATION.values()} - {""}
        for name, query in self.overview._queries().items():
            known = [series for series in (*catalogue.METRICS, *rules, "ALERTS") if series in query]
            self.assertTrue(known, name)
