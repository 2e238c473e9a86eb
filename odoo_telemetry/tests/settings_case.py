"""What the tests of settings and of their effect share."""

import time

from ..metrics import store
from ..metrics.own import Reading


class Published:
    """Mixin for Odoo's test cases: settings that are published as a commit would, and put back after the test."""

    def setUp(self):
        super().setUp()
        self.database = self.env.cr.dbname
        self.settings = self.env["telemetry.settings"]
        original = self.settings._settings()
        store.databases.publish(self.database, original)
        self.addCleanup(store.databases.publish, self.database, original)
        # Odoo 18.0 can't open the cursor that a scrape reads with within a test's: what is read, is read before
        self.env["telemetry.reading"]._read_database()
        store.databases.publish_own(self.database, Reading(time.monotonic()))

    def commit(self):
        """Do what follows a commit: a test's cursor leaves it out."""
        self.env.flush_all()
        self.env.cr.postcommit.run()

    def published(self):
        """Return the settings that all workers see."""
        return store.databases.settings()[self.database]
