"""What the tests of settings and of their effect share."""

from ..metrics import store


class Published:
    """Mixin for Odoo's test cases: settings that are published as a commit would, and put back after the test."""

    def setUp(self):
        super().setUp()
        self.database = self.env.cr.dbname
        self.settings = self.env["influencegen.telemetry.settings"]
        original = self.settings._settings()
        store.publish(self.database, original)
        self.addCleanup(store.publish, self.database, original)

    def commit(self):
        """Do what follows a commit: a test's cursor leaves it out."""
        self.env.flush_all()
        self.env.cr.postcommit.run()

    def published(self):
        """Return the settings that all workers see."""
        return store.databases()[self.database]
