import re

from lxml import etree

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from ..metrics import catalogue, exposition, store
from ..metrics.settings import THRESHOLDS, digest
from .settings_case import Published


@tagged("post_install", "-at_install")
class TestSettings(Published, TransactionCase):
    def save(self, **values):
        config = self.env["res.config.settings"].create(values)
        config.set_values()
        self.commit()

    def test_nothing_is_published_before_the_commit(self):
        before = self.published().presence_seconds
        config = self.env["res.config.settings"].create({"telemetry_presence_seconds": 120})
        config.set_values()
        self.assertEqual(self.published().presence_seconds, before)
        self.commit()
        self.assertEqual(self.published().presence_seconds, 120)

    def test_what_is_not_set_is_the_default(self):
        published = self.published()
        self.assertEqual(published.groups, ["fast", "system", "business"])
        self.assertEqual(published.thresholds, THRESHOLDS)
        config = Form(self.env["res.config.settings"])
        self.assertEqual(config.telemetry_route_limit, catalogue.ROUTE.limit)
        self.assertEqual(config.telemetry_presence_seconds, 300)

    def test_groups(self):
        self.save(telemetry_system=False)
        self.assertEqual(self.published().groups, ["fast", "business"])
        self.assertFalse(Form(self.env["res.config.settings"]).telemetry_system)

    def test_no_group_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "enable at least one group of metrics"):
            self.save(telemetry_fast=False, telemetry_system=False, telemetry_business=False)

    def test_label_limits(self):
        self.save(telemetry_route_limit=8, telemetry_error_class_limit=9)
        limits = {"route": 8, "error_class": 9}
        self.assertEqual(self.published().label_limits, {**self.published().label_limits, **limits})
        self.assertEqual(store.limits.limit(catalogue.ROUTE, self.database), 8)

    def test_the_limit_of_a_label_of_the_instance_is_the_largest_that_a_database_allows(self):
        self.save(telemetry_error_class_limit=77)
        self.assertGreaterEqual(store.limits.limit(catalogue.ERROR_CLASS, None), 77)

    def test_thresholds(self):
        self.save(telemetry_concurrent_users_threshold=1000)
        self.assertEqual(self.published().thresholds, {**THRESHOLDS, "concurrent_users": 1000})

    def test_browser_tabs_measured(self):
        self.assertEqual(self.published().browser_sample_percent, 100)
        self.assertEqual(Form(self.env["res.config.settings"]).telemetry_browser_sample_percent, 100)
        for percent in (0, 25):
            self.save(telemetry_browser_sample_percent=percent)
            self.assertEqual(self.published().browser_sample_percent, percent)
            self.assertEqual(Form(self.env["res.config.settings"]).telemetry_browser_sample_percent, percent)

    def test_a_number_out_of_range_is_refused_by_name_with_the_range(self):
        for name, value in {
            "telemetry_presence_seconds": 5,
            "telemetry_route_limit": 0,
            "telemetry_concurrent_users_threshold": -1,
            "telemetry_browser_sample_percent": 101,
        }.items():
            label = re.escape(self.env["res.config.settings"]._fields[name].string)
            with self.assertRaisesRegex(ValidationError, f"{label} is {value}; set a number from"):
                self.save(**{name: value})

    def test_links(self):
        self.save(telemetry_grafana_url="https://grafana.example.com/d/x", telemetry_prometheus_url=False)
        self.assertEqual(Form(self.env["res.config.settings"]).telemetry_grafana_url, "https://grafana.example.com/d/x")
        for wrong in ("javascript:alert(1)", "grafana", "http://"):
            with self.assertRaisesRegex(ValidationError, "http:// or https://"):
                self.save(telemetry_grafana_url=wrong)

    def test_a_parameter_that_is_not_a_number_counts_as_unset(self):
        self.settings._set("presence_seconds", "soon")
        self.settings._set("concurrent_users_threshold", "-3")
        self.commit()
        self.assertEqual(self.published().presence_seconds, 300)
        self.assertEqual(self.published().thresholds, THRESHOLDS)


@tagged("post_install", "-at_install")
class TestScrapeToken(Published, TransactionCase):
    def new_token(self):
        action = self.env["res.config.settings"].create({}).action_telemetry_new_token()
        return Form(self.env[action["res_model"]].with_context(**action["context"])).token

    def test_a_token_is_shown_and_kept_as_a_digest_only(self):
        token = self.new_token()
        self.commit()
        self.assertGreaterEqual(len(token), 40)
        self.assertEqual(self.published().token_digests[0], digest(token))
        parameters = self.env["ir.config_parameter"].sudo().search([]).mapped("value")
        self.assertFalse([value for value in parameters if token in value])
        self.assertNotIn("token", self.columns("telemetry_scrape_token"))

    def columns(self, table):
        self.env.cr.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
        return [name for (name,) in self.env.cr.fetchall()]

    def test_a_rotation(self):
        first, second = self.new_token(), self.new_token()
        self.commit()
        self.assertEqual(self.published().token_digests, [digest(second), digest(first)])
        self.assertEqual(Form(self.env["res.config.settings"]).telemetry_token_count, 2)
        self.env["res.config.settings"].create({}).action_telemetry_end_older_token()
        self.commit()
        self.assertEqual(self.published().token_digests, [digest(second)])

    def shown(self):
        """Return what the page shows of the scrape token, and the questions that its buttons ask."""
        form = Form(self.env["res.config.settings"])
        arch = etree.fromstring(self.env["res.config.settings"].get_view()["arch"])
        [setting] = arch.xpath("//setting[@string='Scrape token']")
        values = {name: getattr(form, name) for name in ("telemetry_token_count", "telemetry_has_server_token")}
        visible = [
            element
            for element in setting.iter("p", "button")
            if not safe_eval(element.get("invisible") or "False", dict(values))
        ]
        return " ".join(
            " ".join(filter(None, (element.text, element.get("string"), element.get("confirm")))) for element in visible
        )

    def test_the_page_shows_what_a_scrape_gets(self):
        self.assertIn("every scrape is refused", self.shown())
        store.server_tokens.configure("secret", None)
        self.addCleanup(store.server_tokens.configure, None, None)
        self.assertNotIn("every scrape is refused", self.shown())
        self.assertIn("token of the whole server is valid", self.shown())
        self.new_token()
        self.assertIn("This database has one token", self.shown())
        self.assertNotIn("revokes", self.shown())

    def test_the_page_warns_that_a_third_token_revokes_the_first(self):
        self.new_token()
        self.new_token()
        self.assertEqual(self.shown().count("Generate token"), 1)
        self.assertIn("a new one revokes the older of the two", self.shown())

    def test_each_check_box_names_its_group(self):
        fields = self.env["res.config.settings"]._fields
        for group in exposition.GROUPS:
            self.assertIn(f"({group})", fields[f"telemetry_{group}"].string)

    def test_a_third_token_ends_the_first(self):
        tokens = [self.new_token() for _ in range(3)]
        self.commit()
        self.assertEqual(self.published().token_digests, [digest(tokens[2]), digest(tokens[1])])

    def test_only_an_administrator_of_the_server_may(self):
        user = new_test_user(self.env, "telemetry_manager", groups="base.group_erp_manager")
        config = self.env["res.config.settings"].with_user(user)
        for method in (config.action_telemetry_new_token, config.action_telemetry_end_older_token):
            with self.assertRaises(AccessError):
                method()
