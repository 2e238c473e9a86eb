import secrets

from odoo import api, models

from ..hooks import PARAMETERS
from ..identity import NOW, is_same
from ..metrics import store
from ..metrics.catalogue import ERROR_CLASS, MAX_MODULES, MODULES, ROUTE, RPC_CALL, THRESHOLD_MODULES
from ..metrics.settings import THRESHOLDS, Settings, digest

_TOKENS_KEPT = 2
_READ_MILLISECONDS = 2000
_READ_TOKENS = f"""
SELECT digests.value, noted.value, ({NOW}) FROM ir_config_parameter digests, ir_config_parameter noted
 WHERE digests.key = '{PARAMETERS}token_digests' AND noted.key = '{PARAMETERS}token_database'
"""


class TelemetrySettings(models.AbstractModel):
    """The database's telemetry settings, kept as parameters and published to the store once a change is committed."""

    _name = "telemetry.settings"
    _description = "Telemetry settings"

    @api.model
    def _new_scrape_token(self):
        """Generate a scrape token and return it; the one before it stays valid, older ones are revoked."""
        token = secrets.token_urlsafe(32)
        self._set_scrape_token(token)
        return token

    @api.model
    def _set_scrape_token(self, token):
        """Make ``token`` (str) valid; the one before it stays valid, older ones are revoked."""
        digests = [digest(token), *(other for other in self._settings().token_digests if other != digest(token))]
        self._set("token_digests", ",".join(digests[:_TOKENS_KEPT]))
        self._note_database()

    @api.model
    def _note_database(self):
        """Tie the tokens to this database as it is now: a copy of it has none."""
        self.env.cr.execute(NOW)
        self._set("token_database", self.env.cr.fetchone()[0])

    @api.model
    def _end_older_token(self):
        """Revoke all tokens but the newest: a rotation is complete."""
        self._set("token_digests", ",".join(self._settings().token_digests[:1]))

    @api.model
    def _follow_rename(self):
        """Update the stored identity of a renamed or restored database, so that tokens survive the next rename."""
        if self._token_digests():
            self._note_database()

    @api.model
    def _token_digests(self):
        """Return the list of the digests of the tokens that may scrape this database, the newest first.

        It is read past Odoo's cache: that may be of another database that had this name, and nothing clears it when a
        parameter is deleted with SQL.
        """
        self.env["ir.config_parameter"].flush_model()
        self.env.cr.execute(_READ_TOKENS)
        for digests, *identities in self.env.cr.fetchall():
            if digests and is_same(*identities):
                return digests.split(",")
        return []

    @api.model
    def _confirm_tokens(self):
        """Return :meth:`_token_digests`; if others are published, publish the settings again."""
        self.env.cr.execute("SET LOCAL statement_timeout = %s", [_READ_MILLISECONDS])
        digests = self._token_digests()
        published = store.databases.settings().get(self.env.cr.dbname)
        if published and published.token_digests != digests:
            self.env.registry.check_signaling()
            self._publish()
        return digests

    @api.model
    def _settings(self):
        """Return the :class:`~odoo.addons.odoo_telemetry.metrics.settings.Settings` of this database."""
        settings = Settings(token_digests=self._token_digests())
        if groups := self._get("groups"):
            settings.groups = groups.split(",")
        settings.label_limits = self._integers({label.name: f"{label.name}_limit" for label in self._limited_labels()})
        settings.presence_seconds = self._integers({"": "presence_seconds"}).get("", settings.presence_seconds)
        settings.thresholds |= self._integers({name: f"{name}_threshold" for name in THRESHOLDS})
        settings.rpc_calls = self._get("rpc_calls") != "0"
        if (percent := self._get("browser_sample_percent")) and percent.isdecimal():
            settings.browser_sample_percent = int(percent)
        return settings

    @api.model
    def _published_settings(self):
        """Return :meth:`_settings` with the modules that decide which metrics this database exports."""
        settings = self._settings()
        names = {*MODULES.values(), *THRESHOLD_MODULES.values()}
        installed = [("name", "in", list(names)), ("state", "in", ("installed", "to upgrade"))]
        modules = self.env["ir.module.module"].sudo()
        settings.modules = modules.search(installed).mapped("name")
        shown = modules.search([("state", "in", ("installed", "to upgrade"))], order="name", limit=MAX_MODULES)
        settings.versions = {module.name: module.latest_version or "" for module in shown}
        return settings

    @api.model
    def _limited_labels(self):
        """Return the labels (:class:`~..metrics.catalogue.Label`) whose limit may be set; addons add theirs.

        The setting is the field ``telemetry_<label>_limit`` of ``res.config.settings``.
        """
        return [ROUTE, ERROR_CLASS, RPC_CALL]

    @api.model
    def _integers(self, names):
        """Return {key: value} of the settings ``names`` ({key: name}) that are set to a number above 0."""
        values = {key: self._get(name) for key, name in names.items()}
        return {key: int(value) for key, value in values.items() if value and value.isdecimal() and int(value)}

    @api.model
    def _set(self, name, value):
        """Store the setting ``name``; all settings are published after the commit."""
        self.env["ir.config_parameter"].sudo().set_param(PARAMETERS + name, value)

    @api.model
    def _get(self, name):
        return self.env["ir.config_parameter"].sudo().get_param(PARAMETERS + name)

    @api.model
    def _publish(self):
        """Publish the settings to all workers of this instance once they are committed."""
        database, settings = self.env.cr.dbname, self._published_settings()
        self.env.cr.postcommit.add(lambda: store.databases.publish(database, settings))
