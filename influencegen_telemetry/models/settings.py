import secrets

from odoo import api, models

from ..hooks import PARAMETERS
from ..metrics import store
from ..metrics.settings import THRESHOLDS, Settings, digest

LIMITED_LABELS = ("campaign_id", "route", "error_class")
_TOKENS_KEPT = 2


class TelemetrySettings(models.AbstractModel):
    """The database's telemetry settings, kept as parameters and published to the store after each commit."""

    _name = "influencegen.telemetry.settings"
    _description = "Telemetry settings"

    @api.model
    def _new_scrape_token(self):
        """Make a token that may scrape from now on, and return it; the one before it stays valid, older ones end."""
        token = secrets.token_urlsafe(32)
        self._set_scrape_token(token)
        return token

    @api.model
    def _set_scrape_token(self, token):
        """Let ``token`` (str) scrape from now on; the one before it stays valid, older ones end."""
        digests = [digest(token), *(kept for kept in self._settings().token_digests if kept != digest(token))]
        self._set("token_digests", ",".join(digests[:_TOKENS_KEPT]))

    @api.model
    def _end_older_token(self):
        """Let only the newest token scrape: a rotation is complete."""
        self._set("token_digests", ",".join(self._settings().token_digests[:1]))

    @api.model
    def _settings(self):
        """Return the :class:`~odoo.addons.influencegen_telemetry.metrics.settings.Settings` of this database."""
        settings = Settings()
        if digests := self._get("token_digests"):
            settings.token_digests = digests.split(",")
        if groups := self._get("groups"):
            settings.groups = groups.split(",")
        settings.label_limits = self._integers({label: f"{label}_limit" for label in LIMITED_LABELS})
        settings.presence_seconds = self._integers({"": "presence_seconds"}).get("", settings.presence_seconds)
        settings.thresholds |= self._integers({name: f"{name}_threshold" for name in THRESHOLDS})
        if (percent := self._get("browser_sample_percent")) and percent.isdecimal():
            settings.browser_sample_percent = int(percent)
        return settings

    @api.model
    def _integers(self, names):
        """Return {key: value} of the settings ``names`` ({key: name}) that are set to a number above 0."""
        values = {key: self._get(name) for key, name in names.items()}
        return {key: int(value) for key, value in values.items() if value and value.isdecimal() and int(value)}

    @api.model
    def _set(self, name, value):
        """Keep the setting ``name`` and publish all settings once that is committed."""
        self.env["ir.config_parameter"].sudo().set_param(PARAMETERS + name, value)
        self._publish()

    @api.model
    def _get(self, name):
        return self.env["ir.config_parameter"].sudo().get_param(PARAMETERS + name)

    @api.model
    def _publish(self):
        """Publish the settings to all workers of this instance once they are committed."""
        database, settings = self.env.cr.dbname, self._settings()
        self.env.cr.postcommit.add(lambda: store.publish(database, settings))
