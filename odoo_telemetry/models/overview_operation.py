from odoo import api, models

from .. import monitoring
from ..alert_thresholds import THRESHOLDS
from ..metrics import catalogue
from ..metrics.catalogue import APPLICATION_ERRORS
from ..odoo_hooks import health, skipped
from .overview import state, total


class OverviewOfOperation(models.AbstractModel):
    """The tiles about Odoo itself and about what watches it."""

    _inherit = "telemetry.overview"

    @api.model
    def _tile_errors(self, span, exposed):
        _status, answer = health.ready()
        failed = ", ".join(name for name, result in answer["checks"].items() if result == health.FAILED)
        reasons = {
            "degraded": self.env._("Degraded: %(checks)s failed", checks=failed),
            health.FAILED: self.env._("Unavailable: %(checks)s failed", checks=failed),
        }
        reason = reasons.get(answer["status"])
        return {
            "title": self.env._("Odoo's errors"),
            "value": total(exposed, APPLICATION_ERRORS) or 0,
            "unit": "count",
            "caption": self.env._("unhandled errors since counting began"),
            "details": [(reason, None, "text")] if reason else [],
            "target": self.env._("%(most)d a minute or fewer", most=self._most_errors()),
            "state": "bad" if reason else "good",
            "chart": False,
            "action": self._metrics(APPLICATION_ERRORS.name),
            "dashboard": self._dashboard("odoo-system-health"),
        }

    @api.model
    def _most_errors(self):
        return self.env["telemetry.settings"]._settings().thresholds["application_errors_per_minute"]

    @api.model
    def _monitored_errors(self, history):
        chart = self._line(history, "decimal", lambda labels: self.env._("Errors a minute"), limit=self._most_errors())
        now = _latest(history)
        if now is None:
            return {"chart": chart if chart["times"] else False}
        added = {
            "value": now,
            "unit": "decimal",
            "caption": self.env._("unhandled errors a minute"),
            "chart": chart,
        }
        return added if now <= self._most_errors() else {**added, "state": "bad"}

    @api.model
    def _tile_alerts(self, span, exposed):
        alertmanager = self.env["telemetry.settings"]._get("alertmanager_url")
        return {
            "title": self.env._("Alerts"),
            "value": None,
            "unit": "count",
            "details": [],
            "target": self.env._("none"),
            "state": "none",
            "chart": False,
            "action": False,
            "dashboard": self._dashboard("odoo-system-health"),
            "alertmanager": f"{monitoring.link(alertmanager)}/#/alerts" if alertmanager else False,
        }

    @api.model
    def _alerts(self, answer):
        """Return what the answer of :meth:`~.alert.Alert.read_firing` adds to the tile of alerts."""
        if answer["message"]:
            return {"message": answer["message"]}
        alerts = answer["alerts"]
        return {
            "value": len(alerts),
            "caption": self.env._("alerts fire"),
            "alerts": alerts,
            "state": "bad" if alerts else "good",
        }

    @api.model
    def _monitored_alerts(self, history):
        severities = self._severities()
        return {"chart": self._line(history, "count", lambda labels: severities.get(labels.get("severity"), ""))}

    @api.model
    def _severities(self):
        return {"critical": self.env._("Critical"), "warning": self.env._("Warning"), "info": self.env._("Info")}

    @api.model
    def _firing(self, alerts, tile):
        """Return how many of the alerts are about a tile."""
        return sum(alert["tile"] == tile for alert in alerts)

    @api.model
    def _tile_telemetry(self, span, exposed):
        errors = [value for labels, value in exposed.series(catalogue.ERRORS) if labels["reason"] != "unauthorized"]
        age = total(exposed, catalogue.DATABASE_READ_AGE)
        oldest = THRESHOLDS["TelemetryReadingStale"]["above_seconds"]
        return {
            "title": self.env._("Telemetry itself"),
            "value": sum(errors),
            "unit": "count",
            "caption": self.env._("failures of telemetry since counting began"),
            "details": [
                (self.env._("values kept"), total(exposed, catalogue.SERIES), "count"),
                (
                    self.env._("rows that the audit found different"),
                    (total(exposed, catalogue.AUDIT_MISSING_ROWS) or 0)
                    + (total(exposed, catalogue.AUDIT_EXTRA_ROWS) or 0),
                    "count",
                ),
                (self.env._("to read the database"), total(exposed, catalogue.DATABASE_READ_DURATION), "seconds"),
                *self._skipped_hooks(),
            ],
            "target": self.env._("read less than %(most)d s ago", most=oldest),
            "state": state(age, age is not None and age <= oldest),
            "chart": False,
            "action": self._metrics("odoo_telemetry"),
            "dashboard": self._dashboard("telemetry"),
        }

    @api.model
    def _skipped_hooks(self):
        """Return a list with the detail that names the hooks that do not fit this Odoo, empty if all do."""
        names = ", ".join(skipped.names())
        return [(self.env._("Inactive hooks: %(hooks)s", hooks=names), None, "text")] if names else []

    @api.model
    def _monitored_telemetry(self, history):
        return {"chart": self._line(history, "seconds", lambda labels: self.env._("Time of a scrape"))}

    @api.model
    def _metrics(self, search):
        """Return the action that shows the metrics whose name has ``search`` in it."""
        return {
            "type": "ir.actions.client",
            "tag": "odoo_telemetry.metrics",
            "name": self.env._("Metrics"),
            "params": {"search": search},
        }


def _latest(history):
    values = [points[-1][1] for _labels, points in history if points]
    return values[0] if values else None
