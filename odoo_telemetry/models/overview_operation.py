from odoo import api, models

from .. import monitoring
from ..alert_thresholds import THRESHOLDS
from ..metrics import catalogue
from ..metrics.catalogue import APPLICATION_ERRORS
from ..odoo_hooks import health, scrape_route, skipped
from .overview import state, total


class OverviewOfOperation(models.AbstractModel):
    """The tiles about Odoo itself and about what watches it."""

    _inherit = "telemetry.overview"

    @api.model
    def _tile_errors(self, span, exposed):
        reason = self._failed_checks()
        return {
            "title": self.env._("Odoo's errors"),
            "value": total(exposed, APPLICATION_ERRORS) or 0,
            "unit": "count",
            "caption": self.env._("unhandled errors (total)"),
            "details": [(reason, None, "text")] if reason else [],
            "target": self.env._("at most %(most)d per minute", most=self._most_errors()),
            # only Prometheus knows the rate
            "state": "bad" if reason else "none",
            "chart": False,
            "action": self._metrics(APPLICATION_ERRORS.name),
            "dashboard": self._dashboard("odoo-system-health"),
        }

    @api.model
    def _failed_checks(self):
        """Return in words what Odoo's health checks find wrong, or None."""
        _status, answer = health.ready()
        failed = ", ".join(name for name, result in answer["checks"].items() if result == health.FAILED)
        reasons = {
            "degraded": self.env._("Degraded; failed health checks: %(checks)s", checks=failed),
            health.FAILED: self.env._("Unavailable; failed health checks: %(checks)s", checks=failed),
        }
        return reasons.get(answer["status"])

    @api.model
    def _most_errors(self):
        return self.env["telemetry.settings"]._settings().thresholds["application_errors_per_minute"]

    @api.model
    def _monitored_errors(self, history):
        chart = self._line(
            history, "decimal", lambda labels: self.env._("Errors per minute"), limit=self._most_errors()
        )
        now = _latest(history)
        if now is None:
            return {"chart": chart if chart["times"] else False}
        reason = self._failed_checks()
        return {
            "value": now,
            "unit": "decimal",
            "caption": self.env._("unhandled errors per minute"),
            "details": [(reason, None, "text")] if reason else [],
            "state": "bad" if reason or now > self._most_errors() else "good",
            "chart": chart,
        }

    @api.model
    def _tile_alerts(self, span, exposed):
        alertmanager = self.env["telemetry.settings"]._get("alertmanager_url")
        return {
            "title": self.env._("Alerts"),
            "value": None,
            "unit": "count",
            "details": [],
            "target": self.env._("no firing alerts"),
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
            "caption": self.env._("firing alerts"),
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
            "title": self.env._("Telemetry exporter"),
            "value": sum(errors),
            "unit": "count",
            "caption": self.env._("telemetry errors (total)"),
            "details": [
                (self.env._("series"), total(exposed, catalogue.SERIES), "count"),
                (
                    self.env._("records that differ from the counters"),
                    (total(exposed, catalogue.AUDIT_MISSING_ROWS) or 0)
                    + (total(exposed, catalogue.AUDIT_EXTRA_ROWS) or 0),
                    "count",
                ),
                (self.env._("database read duration"), total(exposed, catalogue.DATABASE_READ_DURATION), "seconds"),
                *self._skipped_hooks(),
                *self._other_exporters(),
            ],
            "target": self.env._("values from the database at most %(most)d s old", most=oldest),
            "state": state(age, age is not None and age <= oldest),
            "chart": False,
            "action": self._metrics("odoo_telemetry"),
            "dashboard": self._dashboard("telemetry"),
        }

    @api.model
    def _skipped_hooks(self):
        """Return a list with the detail that names the hooks that do not fit this Odoo, empty if all do."""
        names = ", ".join(skipped.names())
        return (
            [
                (
                    self.env._("Not measured on this version of Odoo: %(hooks)s. See Odoo's log.", hooks=names),
                    None,
                    "text",
                )
            ]
            if names
            else []
        )

    @api.model
    def _other_exporters(self):
        """Return a list with a detail for each other addon that has a route ``/metrics``."""
        return [
            (
                self.env._("%(addon)s serves /metrics: scrape /telemetry/metrics instead", addon=addon)
                if answers
                else self.env._("/metrics of %(addon)s is unreachable: Telemetry serves the same path", addon=addon),
                None,
                "text",
            )
            for addon, answers in scrape_route.others()
        ]

    @api.model
    def _monitored_telemetry(self, history):
        return {"chart": self._line(history, "seconds", lambda labels: self.env._("Scrape duration"))}

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
