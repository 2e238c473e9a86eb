import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import chain, pairwise
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import monitoring
from ..facts.rollup import STEPS
from ..metrics import store
from ..metrics.exposition import Families
from . import reading
from .alert import SEVERITIES
from .overview_comparison import change, fits

_BARS = (300, 900, 1800, 3600, 21_600, 86_400)
"""How many seconds a bar of a chart may stand for."""
_MOST_BARS = 24
_ROUNDED = 15
"""Seconds in which what Prometheus knows changes little."""


@dataclass(frozen=True)
class Span:
    """A time that the overview is about; start and end are naive datetimes in UTC, the end is not in it.

    name: what a comparison calls it.
    before: the time that it is compared with, as long and just before; of today, yesterday until the same time.
    """

    start: datetime
    end: datetime
    name: str = ""
    before: "Span | None" = None

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

    @property
    def until(self):
        """The end in seconds since 1970."""
        return self.end.replace(tzinfo=UTC).timestamp()

    def bars(self):
        """Return when each bar begins, in seconds since 1970."""
        return [self.epoch + number * self.bar for number in range(max(1, math.ceil(self.seconds / self.bar)))]

    def domain(self, moment):
        """Return the domain of the records whose datetime field ``moment`` is not before the span.

        It has no end, as the ledger's history has none: after a clock was set back, some facts are in the future.
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
        :raises AccessError: for a user who is not an administrator
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
        histories, totals = self._asked(span)
        added = {name: {"firing": self._firing(answer["alerts"], name)} for name in self._tiles()}
        for name, history in histories.items():
            part = getattr(self, f"_monitored_{name}")(history) if isinstance(history, list) else history
            added[name].update(part)
        for name, (_counter, subject) in self._counters().items():
            added[name]["comparison"] = change(span, "decimal", *totals[name], better="less", subject=subject)
        added["alerts"].update(self._alerts(answer))
        return added

    # ------------------------------------------------------------------ time

    @api.model
    def _span(self, name):
        """Return the :class:`Span` of that name; it starts where a step of the ledger's history does."""
        now = datetime.now(UTC).replace(microsecond=0)
        zone = ZoneInfo(self.env.context.get("tz") or self.env.user.tz or "UTC")
        local = now.astimezone(zone).replace(tzinfo=None)
        starts = {
            "hour": now - timedelta(hours=1),
            "today": _utc(datetime.combine(local.date(), time.min), zone),
            "week": now - timedelta(days=7),
        }
        if name not in starts:
            raise UserError(self.env._("There is no period %(name)s.", name=name))
        step = max(STEPS) if name == "week" else min(STEPS)
        start = datetime.fromtimestamp(starts[name].timestamp() // step * step, UTC)
        earlier, until = start - (now - start), start
        if name == "today":
            yesterday = local - timedelta(days=1)
            earlier, until = _utc(datetime.combine(yesterday.date(), time.min), zone), _utc(yesterday, zone)
        called = {
            "hour": self.env._("previous hour"),
            "today": self.env._("yesterday until %(time)s", time=f"{local:%H:%M}"),
            "week": self.env._("previous 7 days"),
        }
        before = Span(earlier.replace(tzinfo=None), until.replace(tzinfo=None), called[name])
        return Span(start.replace(tzinfo=None), now.replace(tzinfo=None), before=before)

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
        for values, numbers in self._ledger()._history_bars(metric.name, span.epoch, span.bar).items():
            if fits(metric, values, labels):
                for number, amount in numbers.items():
                    bars[min(number, len(bars) - 1)] += amount
        return bars

    @api.model
    def _samples(self, span, histogram):
        """Return {sample: number} of what ``histogram`` observed in the span, by its buckets."""
        counts = Counter()
        for samples in self._ledger()._history(histogram.name, span.epoch).values():
            counts.update(samples)
        return counts

    @api.model
    def _ledger(self):
        return self.env["telemetry.ledger"]

    # ------------------------------------------------------------------ what monitoring knows

    @api.model
    def _asked(self, span):
        """Return what Prometheus knows: {tile: its history} and {tile: its totals, of the span and of the one before}.

        Instead of a history that is not to be had there is a dict: an error is a ``message``, which is shown in any
        case; a ``hint`` is shown where there is no chart. A total that is not to be had is None.
        """
        prometheus = self.env["telemetry.settings"]._get("prometheus_url")
        queries, counters = self._queries(), self._counters()
        if not prometheus:
            hint = self.env._("History comes from Prometheus: set its address in Settings, Telemetry.")
            return dict.fromkeys(queries, {"hint": hint}), dict.fromkeys(counters, (None, None))

        def ask(function, *arguments):
            try:
                return function(prometheus, *arguments)
            except monitoring.Unavailable as error:
                return error

        with ThreadPoolExecutor(len(queries) + 2 * len(counters)) as pool:
            histories = {
                name: pool.submit(ask, monitoring.history, query, span.epoch, span.until)
                for name, query in queries.items()
            }
            totals = {
                name: [pool.submit(ask, monitoring.value, *_increase(counter, part)) for part in (span, span.before)]
                for name, (counter, _subject) in counters.items()
            }
        explain = self.env["telemetry.alert"]._explain
        answers = {name: future.result() for name, future in histories.items()}
        return {
            name: {"message": explain(answer)} if isinstance(answer, Exception) else answer
            for name, answer in answers.items()
        }, {
            name: [None if isinstance(value, Exception) else value for value in (one.result() for one in pair)]
            for name, pair in totals.items()
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

    @api.model
    def _counters(self):
        """Return {tile: (selector of the counter whose increase is compared, what the page calls it)}; fewer is better.

        A tile that shows a current value is compared by the increase of this counter.
        """
        subject = self.env._("Errors")
        return {
            "errors": ("odoo_application_errors_total", subject),
            "telemetry": ('odoo_telemetry_errors_total{reason!="unauthorized"}', subject),
        }

    # ------------------------------------------------------------------ parts of a tile

    @api.model
    def _line(self, history, unit, label, limit=False):
        """Return a chart of the series of a history; ``label(labels)`` names each."""
        times = _evenly({moment for _labels, points in history for moment, _value in points})
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


def quantile(histogram, samples, share):
    """Return a quantile (``share``, 0 to 1) of {sample: number} of ``histogram``, None if it observed nothing.

    It is interpolated within its bucket, as Prometheus does: https://prometheus.io/docs/practices/histograms/.
    """
    counts = [samples.get(str(bound), 0) for bound in histogram.bounds] if samples else []
    rank, below, lower = share * sum(counts), 0, 0.0
    if rank <= 0:
        return None
    for bound, count in zip(histogram.bounds[:-1], counts, strict=False):
        if below + count >= rank:
            return lower + (bound - lower) * (rank - below) / count
        below, lower = below + count, bound
    return lower


def percent(part, whole):
    """Return ``part`` as a percentage of ``whole``; None if ``whole`` is 0, or if either is None (unknown)."""
    return 100 * part / whole if whole and part is not None else None


def state(value, good):
    """Return the state of a tile: 'good', 'bad', or 'none' if there is nothing to judge."""
    if value is None:
        return "none"
    return "good" if good else "bad"


def _increase(counter, span):
    """Return (PromQL, when to evaluate it) of the increase of a counter in a span, rounded so that it can be cached.

    It has no value where Odoo was not scraped when the span began: a part would be taken for the whole.
    """
    seconds, end = (int(value // _ROUNDED) * _ROUNDED for value in (span.seconds, span.until))
    increase = f"sum(increase({counter}[{seconds}s])) or 0 * max(odoo_workers_configured)"
    return f"({increase}) and max(odoo_workers_configured offset {seconds}s)", end


def _evenly(moments):
    """Return ``moments`` in their order, with the missing ones between them filled in: the line has a gap there."""
    times = sorted(moments)
    steps = [after - before for before, after in pairwise(times)]
    gaps = [
        [before + number * min(steps) for number in range(1, round(step / min(steps)))]
        for before, step in zip(times, steps, strict=False)
    ]
    return sorted([*times, *chain.from_iterable(gaps)])


def _utc(local, zone):
    """Return a local time (naive datetime) of the zone in UTC."""
    return local.replace(tzinfo=zone).astimezone(UTC)
