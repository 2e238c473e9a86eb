from unittest.mock import patch

from prometheus_client.parser import text_string_to_metric_families as parse_text

from odoo.tests import HttpCase, tagged

from ..metrics import store
from ..metrics.custom import Reading
from ..models import reading
from .custom_case import define, reader, values
from .settings_case import Published


@tagged("post_install", "-at_install")
class TestCustomScrape(Published, HttpCase):
    def setUp(self):
        super().setUp()
        self.token = self.settings._new_scrape_token()
        self.commit()
        self.addCleanup(store.databases.publish_custom, self.database, Reading())
        # see the mixin: nothing is read in the middle of a test but what the test reads itself
        self.startPatcher(patch.object(reading, "refresh"))
        reader(self.env, "base.group_user", "base.group_partner_manager")
        country = self.env.ref("base.be").id
        self.env["res.partner"].create([{"name": "Custom", "partner_latitude": 7, "country_id": country}] * 3)

    def scrape(self, query=""):
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Authorization": f"Bearer {self.token}"}
        return self.url_open(f"/metrics{query}", headers=headers).text

    def custom(self, query=""):
        return {
            (sample.name, *(pair for pair in sample.labels.items() if pair[0] != "database")): sample.value
            for family in parse_text(self.scrape(query))
            if family.name.startswith("odoo_custom_")
            for sample in family.samples
        }

    def define(self, *arguments, **keywords):
        metric = define(self.env, *arguments, **keywords)
        values(self.env, metric.series)
        return metric

    def test_a_gauge_and_a_counter(self):
        self.define("partners", "res.partner", ["country_id"], domain="[('partner_latitude', '=', 7)]")
        self.define("made", "res.partner", kind="created")
        self.assertEqual(
            self.custom(), {("odoo_custom_partners", ("country_id", "Belgium")): 3, ("odoo_custom_made_total",): 0}
        )
        text = self.scrape()
        self.assertIn("# HELP odoo_custom_partners Records of a test.", text)
        self.assertIn("# TYPE odoo_custom_made_total counter", text)

    def test_a_histogram_and_an_age(self):
        self.define("latitudes", "res.partner", domain="[('partner_latitude', '=', 7)]", aggregate="histogram",
                    value_field_id="partner_latitude", buckets="5,10")  # fmt: skip
        self.define("age_seconds", "res.partner", domain="[('partner_latitude', '=', 7)]", aggregate="age_oldest",
                    value_field_id="create_date")  # fmt: skip
        found = self.custom()
        self.assertLess(found.pop(("odoo_custom_age_seconds",)), 600)
        self.assertEqual(
            found, {("odoo_custom_latitudes_bucket", ("le", bound)): number
                    for bound, number in (("5.0", 0), ("10.0", 3), ("+Inf", 3))},
        )  # fmt: skip
        self.assertIn("# TYPE odoo_custom_latitudes_bucket gauge", self.scrape())

    def test_they_are_of_the_business_group_and_have_names(self):
        self.define("partners", "res.partner", domain="[('partner_latitude', '=', 7)]")
        self.assertFalse(self.custom("?group[]=fast&group[]=system"))
        self.assertTrue(self.custom("?name[]=odoo_custom_partners"))
        self.assertFalse(self.custom("?name[]=odoo_telemetry_ledger_backlog"))

    def test_one_that_is_deleted_or_archived_is_gone_at_once(self):
        for end in ("action_archive", "unlink"):
            metric = self.define(end.removeprefix("action_"), "res.partner")
            self.assertTrue(self.custom(f"?name[]={metric.series}"))
            series = metric.series
            getattr(metric, end)()
            self.commit()
            self.assertNotIn(series, store.databases.custom(self.database).metrics)
            values(self.env, series)
            self.assertFalse(self.custom(f"?name[]={series}"))

    def test_values_that_are_too_old_are_not_shown(self):
        self.define("partners", "res.partner")
        published = store.databases.custom(self.database)
        published.metrics["odoo_custom_partners"].read_at -= 700
        store.databases.publish_custom(self.database, published)
        self.assertFalse(self.custom())

    def test_a_label_that_looks_like_an_exposition_is_a_value(self):
        state = self.env["res.country.state"].create(
            {"name": 'x"} 1\ninfluencegen_evil 666 # \\', "code": "X", "country_id": self.env.ref("base.be").id}
        )
        self.env["res.partner"].search([("partner_latitude", "=", 7)]).state_id = state
        self.define("partners", "res.partner", ["state_id"], domain="[('partner_latitude', '=', 7)]")
        [(name, (_label, text))] = self.custom()
        self.assertIn("influencegen_evil", text)
        self.assertNotIn("\ninfluencegen_evil", self.scrape())

    def test_the_explorer_shows_them(self):
        self.define("partners", "res.partner", ["country_id"], domain="[('partner_latitude', '=', 7)]")
        explored = self.env["telemetry.metric"].read_metrics()
        [metric] = [metric for metric in explored if metric["name"] == "odoo_custom_partners"]
        self.assertEqual(metric["series"], [{"labels": {"country_id": "Belgium"}, "value": 3, "mean": None}])
        self.assertEqual((metric["kind"], metric["group"]), ("gauge", "business"))
        self.assertEqual(metric["help"], "Records of a test.")
