"""What the tests of settings and of their effect share."""

import time

from ..metrics import store
from ..metrics.custom import Reading


class Published:
    """Mixin for Odoo's test cases: settings that are published as a commit would, and put back after the test."""

    def setUp(self):
        super().setUp()
        self.database = self.env.cr.dbname
        self.settings = self.env["telemetry.settings"]
        original = self.settings._settings()
        store.databases.publish(self.database, original)
        self.addCleanup(store.databases.publish, self.database, original)
        # Odoo 18.0 can't open the cursor of a scrape during a test: the values are read here, beforehand
        self.env["telemetry.reading"]._read_database()
        store.databases.publish_custom(self.database, Reading(time.monotonic()))

    def commit(self):
        """Do what follows a commit: a test's cursor leaves it out."""
        self.env.flush_all()
        self.env.cr.postcommit.run()

    def published(self):
        """Return the settings that all workers see."""
        return store.databases.settings()[self.database]
