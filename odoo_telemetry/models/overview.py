import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import monitoring
from ..facts.rollup import STEPS
from ..metrics import store
from ..metrics.exposition import Families
from . import reading
from .alert import SEVERITIES

_BARS = (300, 900, 1800, 3600, 21_600, 86_400)
"""How many seconds a bar of a chart may stand for."""
_MOST_BARS = 24


@dataclass(frozen=True)
class Span:
    """The time that the overview is about; start and end are naive datetimes in UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self):
        return (self.end - self.start).total_seconds()

    @property
    def bar(self):
        """How many seconds one bar stands for."""
        return next((bar for bar in _BARS if self.seconds <= bar * _MOST_BARS), _BARS[-1])

    @property
    def epoch(self):
        """The start in seconds since 1970."""
        return self.start.replace(tzinfo=UTC).timestamp()

    def bars(self):
        """Return when each bar begins, in seconds since 1970."""
        return [self.epoch + number * self.bar for number in range(max(1, math.ceil(self.seconds / self.bar)))]

    def domain(self, moment):
        """Return the domain of the records whose datetime field ``moment`` is not before the span.

        It has no end, as the ledger's history has none: a clock that was set back leaves facts that are still to come.
        """
        return [(moment, ">=", fields.Datetime.to_string(self.start))]


class Overview(models.AbstractModel):
    """What the page *Telemetry, Overview* shows: one tile for each question that an administrator asks first.

    A tile is made by the method ``_tile_<name>``, from the database and the store; what monitoring adds to it, by
    ``_monitored_<name>``. Both return parts of a dict that ``static/src/overview/tile.js`` shows. A firing alert is
    counted on the tile that its label ``tile`` names; the limits of tiles are the thresholds of these alerts.
    """

    _name = "telemetry.overview"
    _description = "Telemetry overview"

    @api.model
    def _tiles(self):
        """Return the list of the names of the tiles in their order; addons put theirs in."""
        return ["errors", "alerts", "telemetry"]

    @api.model
    def read_tiles(self, span):
        """Return the list of tiles, by what Odoo itself knows.

        :param str span: 'hour', 'today' or 'week'
        :raises AccessError: for who is no administrator
        """
        self.env["telemetry.alert"]._check_administrator()
        span, exposed = self._span(span), self._exposed()
        tiles = [{"name": name, **getattr(self, f"_tile_{name}")(span, exposed)} for name in self._tiles()]
        self._name_lists([tile["action"] for tile in tiles if tile["action"]])
        return tiles

    @api.model
    def read_monitoring(self, span):
        """Return {tile: what Prometheus and Alertmanager add to it}; parameters and errors as of :meth:`read_tiles`."""
        answer = self.env["telemetry.alert"].read_firing()
        span = self._span(span)
        histories = self._histories(span)
        added = {name: {"firing": self._firing(answer["alerts"], name)} for name in self._tiles()}
        for name, history in histories.items():
            part = getattr(self, f"_monitored_{name}")(history) if isinstance(history, list) else history
            added[name].update(part)
        added["alerts"].update(self._alerts(answer))
        return added

    # ------------------------------------------------------------------ time

    @api.model
    def _span(self, name):
        """Return the :class:`Span` of that name; it starts where a step of the ledger's history does."""
        now = datetime.now(UTC).replace(microsecond=0)
        zone = ZoneInfo(self.env.context.get("tz") or self.env.user.tz or "UTC")
        starts = {
            "hour": now - timedelta(hours=1),
            "today": datetime.combine(now.astimezone(zone).date(), time.min, zone).astimezone(UTC),
            "week": now - timedelta(days=7),
        }
        if name not in starts:
            raise UserError(self.env._("There is no span %(name)s.", name=name))
        step = max(STEPS) if name == "week" else min(STEPS)
        start = datetime.fromtimestamp(starts[name].timestamp() // step * step, UTC)
        return Span(start.replace(tzinfo=None), now.replace(tzinfo=None))

    # ------------------------------------------------------------------ what Odoo knows

    @api.model
    def _exposed(self):
        """Return the :class:`Families` of what ``/metrics`` shows of this database now."""
        database = self.env.cr.dbname
        reading.refresh(database)
        settings = store.databases.settings().get(database)
        return Families({database: settings} if settings else {})

    @api.model
    def _happened(self, span, metric, **labels):
        """Return how many facts of ``metric`` with these labels happened in each bar of the span.

        They come from the ledger's history: what a page load costs does not grow with what there is.
        """
        bars = [0] * len(span.bars())
        wanted = [labels.get(name) for name in metric.label_names]
        for values, numbers in self._ledger()._history_bars(metric.name, span.epoch, span.bar).items():
            if all(known in (None, value) for known, value in zip(wanted, values, strict=True)):
                for number, amount in numbers.items():
                    bars[min(number, len(bars) - 1)] += amount
        return bars

    @api.model
    def _quantile(self, span, histogram, quantile):
        """Return a quantile (0 to 1) of ``histogram`` over the span, None if it observed nothing.

        It is interpolated within its bucket, as Prometheus does: https://prometheus.io/docs/practices/histograms/.
        """
        counts = Counter()
        for samples in self._ledger()._history(histogram.name, span.epoch).values():
            counts.update(samples)
        upper = histogram.bounds
        rank, below, lower = quantile * sum(counts[str(bound)] for bound in upper), 0, 0.0
        if rank <= 0:
            return None
        for bound in upper[:-1]:
            if below + counts[str(bound)] >= rank:
                return lower + (bound - lower) * (rank - below) / counts[str(bound)]
            below, lower = below + counts[str(bound)], bound
        return lower

    @api.model
    def _ledger(self):
        return self.env["telemetry.ledger"]

    # ------------------------------------------------------------------ what monitoring knows

    @api.model
    def _histories(self, span):
        """Return {tile: its history, or a dict that says why it is not to be had}.

        An error is a ``message``, which is shown in any case; a ``hint`` is shown where there is no chart.
        """
        prometheus = self.env["telemetry.settings"]._get("prometheus_url")
        queries = self._queries()
        if not prometheus:
            hint = self.env._("Prometheus remembers this: set its address in Settings, Telemetry.")
            return dict.fromkeys(queries, {"hint": hint})
        end = span.end.replace(tzinfo=UTC).timestamp()

        def ask(expression):
            try:
                return monitoring.history(prometheus, expression, span.epoch, end)
            except monitoring.Unavailable as error:
                return error

        with ThreadPoolExecutor(len(queries)) as pool:
            answers = dict(zip(queries, pool.map(ask, queries.values()), strict=True))
        explain = self.env["telemetry.alert"]._explain
        return {
            name: {"message": explain(answer)} if isinstance(answer, Exception) else answer
            for name, answer in answers.items()
        }

    @api.model
    def _queries(self):
        """Return {tile: the PromQL of its history}, no other is ever asked; addons add theirs."""
        return {
            # of the worst server, as the alert is; 0 where no error was ever counted, as long as Odoo is scraped
            "errors": "60 * max(sum by (instance) (rate(odoo_application_errors_total[5m]))) "
            "or 0 * max(odoo_workers_configured)",
            "alerts": f'count by (severity) (ALERTS{{alertstate="firing", severity=~"{"|".join(SEVERITIES)}"}})',
            "telemetry": "max(odoo_telemetry_scrape_duration_seconds)",
        }

    # ------------------------------------------------------------------ parts of a tile

    @api.model
    def _line(self, history, unit, label, limit=False):
        """Return a chart of the series of a history; ``label(labels)`` names each."""
        times = sorted({moment for _labels, points in history for moment, _value in points})
        known = [(label(labels), dict(points)) for labels, points in history]
        series = [{"label": name, "values": list(map(values.get, times))} for name, values in known]
        return {"kind": "line", "times": times, "unit": unit, "limit": limit, "series": series}

    @api.model
    def _bar(self, span, **series):
        """Return a chart of numbers by bar of the span: ``series`` are {role: (label, numbers)}."""
        shown = [{"role": role, "label": label, "values": values} for role, (label, values) in series.items()]
        return {"kind": "bar", "times": span.bars(), "unit": "count", "limit": False, "series": shown}

    @api.model
    def _list(self, name, model, domain):
        """Return the action that shows the records which a tile counts."""
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [(False, "list"), (False, "form")],
            "domain": domain,
        }

    @api.model
    def _name_lists(self, actions):
        """Name the lists among ``actions`` by what they show.

        A tile counts all companies, a list shows those selected in the company switcher; if these aren't all, the name
        of the list says so.
        """
        lists = [action for action in actions if action["type"] == "ir.actions.act_window"]
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        if lists and len(self.env.companies) < companies.search_count([]):
            for action in lists:
                action["name"] = self.env._("%(records)s in the selected companies", records=action["name"])

    @api.model
    def _dashboard(self, uid):
        """Return the address of a dashboard in Grafana, or False."""
        grafana = self.env["telemetry.settings"]._get("grafana_url")
        return f"{grafana.rstrip('/')}/d/{uid}" if grafana else False


def total(exposed, metric, **labels):
    """Return the sum of the exposed series (:class:`Families`) of a metric with these labels, or None without any."""
    values = [value for known, value in exposed.series(metric) if labels.items() <= known.items()]
    return sum(values) if values else None


def percent(part, whole):
    """Return a share in percent, or None of nothing."""
    return 100 * part / whole if whole else None


def state(value, good):
    """Return the state of a tile: 'good', 'bad', or 'none' if there is nothing to judge."""
    if value is None:
        return "none"
    return "good" if good else "bad"
