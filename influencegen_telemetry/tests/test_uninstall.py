from odoo.tests import TransactionCase, tagged

from odoo.addons.odoo_telemetry.facts import triggers
from odoo.addons.odoo_telemetry.facts.rollup import TOTAL
from odoo.addons.odoo_telemetry.metrics import store
from odoo.addons.odoo_telemetry.metrics.exposition import Families
from odoo.addons.odoo_telemetry.tests.settings_case import Published

from ..business import BUSINESS
from ..business.metrics import REGISTRATION_ATTEMPTS
from ..hooks import uninstall_hook

ATTEMPTS = "influencer_registration_attempts_total"
APPLICATIONS = "campaign_applications_total"
CUSTOM = "odoo_custom_trial_total"


@tagged("post_install", "-at_install")
class TestUninstall(Published, TransactionCase):
    """The addon is uninstalled, and the one that it extends stays."""

    def setUp(self):
        super().setUp()
        self.parameters = self.env["ir.config_parameter"]
        self.parameters.set_param("odoo_telemetry.campaign_id_limit", "9")
        self.parameters.set_param("odoo_telemetry.presence_seconds", "60")
        for name in (APPLICATIONS, CUSTOM):
            self.env.cr.execute(f"INSERT INTO {TOTAL} VALUES (%s, '[\"trial\"]', '', 7)", [name])
        uninstall_hook(self.env)

    def column(self, query, *parameters):
        self.env.cr.execute(query, parameters)
        return {value for (value,) in self.env.cr.fetchall()}

    def test_the_settings_of_the_other_addon_stay(self):
        self.assertFalse(self.parameters.get_param("odoo_telemetry.campaign_id_limit"))
        self.assertEqual(self.parameters.get_param("odoo_telemetry.presence_seconds"), "60")

    def test_what_was_counted_of_the_business_is_forgotten_alone(self):
        counted = self.column(f"SELECT metric FROM {TOTAL}")
        self.assertIn(CUSTOM, counted)
        self.assertTrue(counted.isdisjoint(metric.name for metric in BUSINESS))
        self.assertFalse(self.env["telemetry.audit"].search([("fact", "=", APPLICATIONS)]))

    def test_its_series_are_exported_no_more(self):
        """They end once settings without the addon are published, even in workers that still have it loaded."""
        database = self.env.cr.dbname
        REGISTRATION_ATTEMPTS.inc(database=database)
        self.env["telemetry.settings"]._publish()
        self.commit()
        self.assertIn(f'{ATTEMPTS}{{database="{database}"}}', self.exposed())
        self.env["ir.module.module"]._get("influencegen_telemetry").state = "uninstalled"
        self.env["telemetry.settings"]._publish()
        self.commit()
        lines = [line for line in self.exposed().splitlines() if f'database="{database}"' in line]
        ours = tuple(metric.name for metric in BUSINESS if metric.scope == "database")
        self.assertFalse([line for line in lines if line.startswith(ours)])
        self.assertTrue([line for line in lines if line.startswith("odoo_concurrent_users")])

    def exposed(self):
        return Families({self.env.cr.dbname: store.databases.settings()[self.env.cr.dbname]}).text(False)

    def test_the_business_is_counted_no_more(self):
        self.assertFalse(self.column(
            "SELECT proname FROM pg_proc WHERE starts_with(proname, %s)", f"{triggers.FUNCTION}influencegen_"
        ))  # fmt: skip
        self.assertFalse(
            self.column("SELECT indexname FROM pg_indexes WHERE starts_with(indexname, %s)", triggers.INDEX)
        )
        brand = self.env["res.partner"].create({"name": "Brand"})
        self.env["influencegen.campaign"].create({"name": "Spring", "brand_id": brand.id, "fee": 10}).action_open()
        self.env.flush_all()
        self.assertFalse(self.column(f"SELECT metric FROM {triggers.ENTRY} WHERE metric = %s", APPLICATIONS))
