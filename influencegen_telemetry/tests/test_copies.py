"""A copy of a database has no scrape token, neutralized or not, until one is made in it."""

from odoo.modules.migration import load_script
from odoo.modules.module import get_module_path
from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.influencegen.tests.neutralize_case import Neutralized
from odoo.addons.odoo_telemetry.identity import NOW, is_same
from odoo.addons.odoo_telemetry.metrics.settings import digest
from odoo.addons.odoo_telemetry.tests.settings_case import Published

DIGESTS, DATABASE = "odoo_telemetry.token_digests", "odoo_telemetry.token_database"
HARMLESS = {
    "groups", "presence_seconds", "campaign_id_limit", "route_limit", "error_class_limit", "rpc_call_limit",
    "rpc_calls", "browser_sample_percent",
    "concurrent_users_threshold", "application_errors_per_minute_threshold", "n8n_errors_per_minute_threshold",
}  # fmt: skip


@tagged("post_install", "-at_install")
class TestIdentity(TransactionCase):
    def test_which_database_is_the_same(self):
        now = "4e1c 7301/16384 my shop"
        for noted, same in {
            now: True,
            "4e1c 7301/16384 its name before": True,
            "4e1c 7301/99999 my shop": True,
            "4e1c 9999/16384 my shop": True,
            "4e1c 7301/99999 another": False,
            "4e1c 9999/16384 another": False,
            "4e1c 7301/16384": True,
            "0000 7301/16384 my shop": False,
            "4e1c": False,
            "": False,
        }.items():
            self.assertIs(is_same(noted, now), same, noted)

    def test_the_database_knows_itself(self):
        self.env.cr.execute(NOW)
        uuid, place, name = self.env.cr.fetchone()[0].split(" ", 2)
        self.assertEqual(uuid, self.env["ir.config_parameter"].get_param("database.uuid"))
        self.assertRegex(place, r"^\d+/\d+$")
        self.assertEqual(name, self.env.cr.dbname)


@tagged("post_install", "-at_install")
class TestNeutralization(Neutralized, Published, TransactionCase):
    def test_each_parameter_is_neutralized_or_harmless(self):
        self.assertNeutralized("odoo_telemetry", HARMLESS)

    def test_a_database_of_1_1_is_neutralized_before_its_upgrade(self):
        parameters = self.env["ir.config_parameter"]
        for name in ("token_digests", "token_database", "grafana_url", "prometheus_url", "alertmanager_url"):
            parameters.set_param(f"influencegen_telemetry.{name}", "production's")
        self.neutralize()
        self.assertFalse(parameters.search([("key", "=like", "influencegen\\_telemetry.%")]))

    def test_nothing_is_left_of_the_tokens(self):
        self.settings._new_scrape_token()
        self.neutralize()
        self.assertEqual(self.settings._settings().token_digests, [])
        token = self.settings._new_scrape_token()
        self.assertEqual(self.settings._settings().token_digests, [digest(token)])


@tagged("post_install", "-at_install")
class TestTokens(Neutralized, Published, HttpCase):
    def setUp(self):
        super().setUp()
        self.token = self.settings._new_scrape_token()
        self.commit()

    def scrape(self, token=None):
        """Return the status of a scrape."""
        response = self.url_open("/metrics", headers={"Authorization": f"Bearer {token or self.token}"})
        if response.status_code == 200:
            self.assertIn(f'database="{self.database}"', response.text)
        return response.status_code

    def sql(self, statement, *values):
        """Change parameters behind Odoo's back, as PostgreSQL's own tools do."""
        self.env.flush_all()
        self.env.cr.execute(statement, values)
        self.env.invalidate_all()

    def become(self, uuid=None, place=None, name=None):
        """Tie the tokens to a database with this ``uuid``, ``place`` or ``name``.

        What is not given is the test database's own.
        """
        self.env.cr.execute(NOW)
        own = self.env.cr.fetchone()[0].split(" ", 2)
        noted = [other or known for other, known in zip((uuid, place, name), own, strict=True)]
        self.sql("UPDATE ir_config_parameter SET value = %s WHERE key = %s", " ".join(noted), DATABASE)

    def test_a_renamed_and_a_restored_database_keep_their_token(self):
        self.become(name="its name before")
        self.assertEqual(self.scrape(), 200)
        self.become(place="1/1")
        self.assertEqual(self.scrape(), 200)

    def test_an_upgrade_ties_existing_tokens(self):
        path = f"{get_module_path('influencegen_telemetry')}/migrations/1.1.1/post-token_database.py"
        script = load_script(path, "post_token_database")
        self.sql("DELETE FROM ir_config_parameter WHERE key = %s", DATABASE)
        script.migrate(self.env.cr, "1.1.0")
        self.assertEqual(self.scrape(), 200)
        self.become(place="1/1", name="original")
        script.migrate(self.env.cr, "1.1.0")
        self.assertEqual(self.scrape(), 401, "a copy is not the original because it is upgraded")

    def test_a_copy_has_no_token(self):
        for copy in ({"place": "1/1", "name": "original"}, {"uuid": "original"}):
            self.become(**copy)
            self.assertEqual(self.scrape(), 401, copy)

    def test_a_token_made_in_the_copy_opens_it_and_the_original_s_does_not(self):
        self.become(place="1/1", name="original")
        own = self.settings._new_scrape_token()
        self.commit()
        self.assertEqual((self.scrape(own), self.scrape()), (200, 401))

    def test_ending_the_older_token_in_the_copy_opens_nothing(self):
        self.become(place="1/1", name="original")
        self.settings._end_older_token()
        self.commit()
        self.assertEqual(self.scrape(), 401)

    def test_a_renamed_database_is_known_by_its_new_name(self):
        self.become(name="its name before")
        self.settings._follow_rename()
        self.become(place="1/1")
        self.assertEqual(self.scrape(), 200)

    def test_a_copy_is_not_taken_for_a_renamed_database(self):
        self.become(place="1/1", name="original")
        self.settings._follow_rename()
        self.assertEqual(self.scrape(), 401)

    def test_deleting_either_parameter_revokes_the_tokens_at_once(self):
        for key in (DIGESTS, DATABASE):
            self.settings._set_scrape_token(self.token)
            self.commit()
            self.assertEqual(self.scrape(), 200)
            self.env["ir.config_parameter"].search([("key", "=", key)]).unlink()
            self.commit()
            self.assertEqual(self.scrape(), 401)
            self.assertEqual(self.published().token_digests, [])

    def test_deleting_them_with_sql_revokes_the_tokens_at_once(self):
        for key in (DIGESTS, DATABASE):
            self.settings._set_scrape_token(self.token)
            self.commit()
            self.assertEqual(self.scrape(), 200)
            self.sql("DELETE FROM ir_config_parameter WHERE key = %s", key)
            self.assertEqual(self.scrape(), 401)
            self.registry.clear_all_caches()

    def test_emptying_the_parameter_revokes_the_tokens(self):
        self.env["ir.config_parameter"].search([("key", "=", DIGESTS)]).value = " "
        self.commit()
        self.assertEqual(self.scrape(), 401)

    def test_a_neutralized_database_answers_to_nobody(self):
        self.neutralize()
        self.assertEqual(self.scrape(), 401)

    def test_what_is_set_among_the_parameters_is_published(self):
        self.env["ir.config_parameter"].set_param("odoo_telemetry.presence_seconds", "77")
        self.commit()
        self.assertEqual(self.published().presence_seconds, 77)
        self.env["ir.config_parameter"].search([("key", "=", "odoo_telemetry.presence_seconds")]).unlink()
        self.commit()
        self.assertEqual(self.published().presence_seconds, 300)
