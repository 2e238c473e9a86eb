import uuid
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tests.common import get_db_name

from odoo.addons.odoo_telemetry.metrics import catalogue
from odoo.addons.odoo_telemetry.metrics.catalogue import APPLICATION_ERRORS, ERRORS
from odoo.addons.odoo_telemetry.models import reading
from odoo.addons.odoo_telemetry.publication import publish_loaded
from odoo.addons.odoo_telemetry.tests.monitoring_case import NOWHERE, Monitored, answering
from odoo.addons.odoo_telemetry.tests.test_alert import alert

from ..alert_thresholds import THRESHOLDS
from ..business import SPECIFICATION


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
        # what the database held before
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

    def test_figures_are_of_all_companies_and_lists_of_the_selected(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.user.company_ids |= other
        waiting = dict(detail[:2] for detail in self.tile("images")["details"])["under way"]
        self.ask(company_id=other.id)
        self.register(1, minutes=1)
        self.register(2, company=other, minutes=1)
        listed = {}
        for selected in (self.env.company, self.env.company | other):
            self.overview = self.overview.with_context(allowed_company_ids=selected.ids)
            tile = self.tile("registrations")
            listed[tile["action"]["name"]] = (tile["value"], self.listed(tile))
            self.assertEqual(dict(detail[:2] for detail in self.tile("images")["details"])["under way"], waiting + 1)
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
            self.assertEqual(self.tile("registrations")["target"], "7 to 9 an hour")
        self.assertEqual(self.tile("registrations")["target"], "50 to 100 an hour")

    def test_errors_are_those_of_metrics(self):
        before = self.tile("errors")["value"]
        APPLICATION_ERRORS.inc(3, error_type="orm_error", error_class="ValueError", module_name="base")
        self.assertEqual(self.tile("errors")["value"], before + 3)

    def test_a_refused_scrape_is_no_failure_of_telemetry(self):
        before = self.tile("telemetry")["value"]
        ERRORS.inc(reason="unauthorized")
        ERRORS.inc(reason="disk")
        self.assertEqual(self.tile("telemetry")["value"], before + 1)

    # ------------------------------------------------------------------ access

    def test_others_may_not(self):
        for groups in ("base.group_user", "influencegen.group_administrator", "base.group_portal"):
            overview = self.overview.with_user(new_test_user(self.env, f"telemetry_{groups}", groups=groups))
            for method in (overview.read_tiles, overview.read_monitoring):
                with self.assertRaises(AccessError):
                    method("today")

    def test_another_span_is_refused(self):
        with self.assertRaisesRegex(UserError, "no span year"):
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

    def test_alerts_are_counted_and_told_on_the_tile_that_they_are_about(self):
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
        self.assertEqual(added["backups"]["chart"]["series"], [{"label": "platform", "values": [3600, 3660]}])
        queries = {parse_qs(urlsplit(path).query)["query"][0] for path in asked}
        self.assertEqual(queries, set(self.overview._queries().values()))

    def test_what_is_no_number_is_left_out(self):
        series = {"metric": {}, "values": [[1, "NaN"], [2, "+Inf"], [3, "7"]]}
        with answering({"data": {"result": [series]}}) as (url, _asked):
            self.configure(prometheus=url)
            added = self.overview.read_monitoring("hour")
        self.assertEqual(added["images"]["chart"]["series"][0]["values"], [None, None, 7])

    def test_prometheus_down_is_told_and_the_tiles_stay(self):
        self.configure(prometheus=NOWHERE, alertmanager=NOWHERE)
        added = self.overview.read_monitoring("today")
        for name in ("images", "errors", "alerts", "backups", "telemetry"):
            self.assertIn("does not answer", added[name]["message"], name)
            self.assertTrue(self.tile(name)["title"])

    def test_garbage_is_told(self):
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
