from concurrent.futures import ThreadPoolExecutor

from odoo import api, models
from odoo.exceptions import UserError

from .. import monitoring
from .metric import Query

MOST_SERIES = 6
"""Series that a reader of a chart can distinguish."""


class MetricHistory(models.AbstractModel):
    """How a metric developed, as Prometheus knows it."""

    _inherit = "telemetry.metric"

    @api.model
    def read_history(self, name, span):
        """Return how the exported metric ``name`` developed; its busiest series if it has many.

        :param str name: one of those of :meth:`read_metrics`; no other query is ever asked
        :param str span: as for :meth:`~.overview.Overview.read_tiles`
        :return: dict with ``chart`` (False without data), ``what`` it draws, ``more`` (how many series are not in it),
            and ``message``: why Prometheus could not be queried, or False
        :raises AccessError: for a user who is not an administrator
        :raises UserError: when no such metric is exported, or Prometheus is not configured
        """
        self.env["telemetry.alert"]._check_administrator()
        overview, span = self.env["telemetry.overview"], self.env["telemetry.overview"]._span(span)
        prometheus, query = self.env["telemetry.settings"]._get("prometheus_url"), self._query(name)
        if not prometheus or query is None:
            raise UserError(
                self.env._("%(name)s is not exported, or Prometheus' URL is not set in Settings, Telemetry.", name=name)
            )
        window = max(300, monitoring.step(span.epoch, span.until))
        answer = {"chart": False, "what": self._drawn(query.kind, window), "more": 0, "message": False}
        asked = (
            (monitoring.history, query.busiest(window, int(span.seconds), MOST_SERIES), span.epoch),
            (monitoring.value, f"count({query.activity(int(span.seconds))})"),
        )
        try:
            with ThreadPoolExecutor(len(asked)) as pool:
                history, number = pool.map(lambda ask: ask[0](prometheus, *ask[1:], span.until), asked)
        except monitoring.Unavailable as error:
            return {**answer, "message": self.env["telemetry.alert"]._explain(error)}
        known = [(labels, points) for labels, points in history if any(value is not None for _at, value in points)]
        if not known:
            return answer
        legend = self._legend(query, [labels for labels, _points in known])
        known.sort(key=lambda series: legend(series[0]))
        unit = (query.unit or "number") + ("/s" if query.kind == "counter" else "")
        chart = {**overview._line(known, unit, legend), "legend": bool(query.labels)}
        # what lies before the first value is empty, not left out
        chart["range"] = [span.epoch, span.until]
        return {**answer, "chart": chart, "more": max(0, int(number or 0) - len(known))}

    @api.model
    def _query(self, name):
        """Return the :class:`.metric.Query` of an exported metric, None without one of this name."""
        families = self._families()
        for family in families.collect():
            query = Query.of(families, family, self.env.cr.dbname)
            if query.name == name:
                return query
        return None

    @api.model
    def _drawn(self, kind, window):
        return {
            "counter": self.env._("Rate per second, over %(minutes)d minutes", minutes=window // 60),
            "histogram": self.env._("p95 over %(minutes)d minutes", minutes=window // 60),
            "buckets": self.env._("p95"),
            "gauge": self.env._("Value"),
        }[kind]

    @api.model
    def _legend(self, query, all_labels):
        """Return the function that names a series by the values of the labels in which it differs from the others."""
        names = dict.fromkeys([*query.labels, "instance"])
        differing = [name for name in names if len({labels.get(name) for labels in all_labels}) > 1]
        names = differing or query.labels
        return lambda labels: ", ".join(labels[name] for name in names if name in labels)
