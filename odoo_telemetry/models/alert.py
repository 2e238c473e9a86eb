from urllib.parse import urlsplit

from odoo import api, models
from odoo.exceptions import AccessError

from .. import monitoring

SEVERITIES = ("critical", "warning", "info")
"""The severities that are notified, worst first; the dead man's switch alert has another."""


class Alert(models.AbstractModel):
    """The firing alerts, as Alertmanager has them."""

    _name = "telemetry.alert"
    _description = "Firing alert"

    @api.model
    def read_firing(self):
        """Return the firing alerts, worst and oldest first.

        :return: ``alerts`` is a list of dicts with id, name, severity, tile (of the overview, or ''), summary,
            description, since (ISO 8601), runbook (address or False); ``message`` says why the alerts can't be read,
            or is False
        :raises AccessError: for a user who is not an administrator
        """
        self._check_administrator()
        alertmanager = self.env["telemetry.settings"]._get("alertmanager_url")
        if not alertmanager:
            return {"alerts": [], "message": self.env._("Set Alertmanager's URL in Settings, Telemetry.")}
        try:
            alerts = [self._row(alert) for alert in monitoring.firing(alertmanager)]
        except monitoring.Unavailable as error:
            return {"alerts": [], "message": self._explain(error)}
        shown = [alert for alert in alerts if alert["severity"] in SEVERITIES]
        shown.sort(key=lambda alert: (SEVERITIES.index(alert["severity"]), alert["since"]))
        return {"alerts": shown, "message": False}

    @api.model
    def _check_administrator(self):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only administrators can use Telemetry."))

    @api.model
    def _explain(self, error):
        """Return what a :class:`~odoo.addons.odoo_telemetry.monitoring.Unavailable` means to a reader."""
        if error.reason == "silent":
            return self.env._(
                "%(address)s does not respond. Check that it is running, and its URL in Settings, Telemetry.",
                address=error.address,
            )
        return self.env._(
            "%(address)s answered with an error (%(detail)s). Check its URL in Settings, Telemetry.",
            address=error.address,
            detail=error.detail,
        )

    @api.model
    def _row(self, alert):
        labels, annotations = alert["labels"], alert["annotations"]
        runbook = annotations.get("runbook_url", "")
        return {
            "id": alert["fingerprint"],
            "name": labels.get("alertname", ""),
            "severity": labels.get("severity", "info"),
            "tile": labels.get("tile", ""),
            "summary": annotations.get("summary") or labels.get("alertname", ""),
            "description": annotations.get("description", ""),
            "since": alert["startsAt"],
            "runbook": runbook if urlsplit(runbook).scheme in ("http", "https") else False,
        }
