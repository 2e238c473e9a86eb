from unittest.mock import patch

from odoo import release
from odoo.tests import TransactionCase, tagged

from ..metrics import store
from ..models import settings
from ..odoo_hooks import info


@tagged("post_install", "-at_install")
class TestInfo(TransactionCase):
    def samples(self, collector, database):
        """Return the labels of what a collector yields."""
        return [dict(sample.labels) for sample in collector(database)]

    def test_the_version_of_odoo(self):
        [labels] = self.samples(info.info, None)
        self.assertEqual((labels["version"], labels["series"]), (release.version, release.series))
        self.assertEqual(self.samples(info.info, self.env.cr.dbname), [])

    def test_the_versions_of_installed_modules(self):
        published = self.env["telemetry.settings"]._published_settings()
        with patch.object(store.databases, "settings", return_value={self.env.cr.dbname: published}):
            found = {labels["module"]: labels["version"] for labels in self.samples(info.modules, self.env.cr.dbname)}
        module = self.env.ref("base.module_odoo_telemetry")
        self.assertEqual(found["odoo_telemetry"], module.latest_version)
        self.assertNotIn(self.env["ir.module.module"].search([("state", "=", "uninstalled")], limit=1).name, found)
        self.assertEqual(self.samples(info.modules, None), [])

    def test_the_number_of_modules_is_bounded(self):
        with patch.object(settings, "MAX_MODULES", 2):
            self.assertEqual(len(self.env["telemetry.settings"]._published_settings().versions), 2)
