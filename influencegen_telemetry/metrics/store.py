"""The values of all metrics, shared by all workers of an instance.

Each process writes to the two memory-mapped files of its slot (``slots.py``): ``values`` keeps what must outlive the
process, ``live`` what ends with it. A reading adds up the files of all slots. The functions of this module never raise
and never block: what can't be stored is dropped, counted and logged.

``view[index] += amount`` takes no lock: CPython (with its GIL) changes threads only at calls and at the ends of loops,
and there is neither between the load and the store of a memory view's cell. A lock would more than double the cost.
"""

import contextlib
import hashlib
import logging
import os
import shutil
import threading
import time
from bisect import bisect_left
from collections import Counter
from pathlib import Path

from . import catalogue, clock
from .exemplars import ExemplarReader, SlotExemplars
from .labels import OTHER, LabelValues
from .own import PublishedReadings, Reading
from .reader import DamagedError, Reader
from .settings import PublishedSettings
from .slots import Slots
from .values import SlotReader, SlotValues, make_key

_logger = logging.getLogger(__name__)

_INFINITY = float("inf")
_RETRY_SECONDS = 1.0
_LOG_SECONDS = 60.0
_LONGEST_LABEL = 200

_BOUNDS = {
    metric.name: (*map(float, metric.buckets), _INFINITY)
    for metric in catalogue.METRICS.values()
    if metric.kind == "histogram"
}
_LIVE = {metric.name for metric in catalogue.METRICS.values() if metric.merge in ("sum", "max")}
_ERRORS = "influencegen_telemetry_errors_total"


def _shape(metrics):
    shape = repr([(metric.name, metric.kind, metric.buckets, metric.labels) for metric in metrics])
    return hashlib.sha256(shape.encode()).hexdigest()[:12]


class Rejected(Exception):
    """What the catalogue does not allow.

    :param str reason: under which it is counted: 'metric', 'label' or 'value'
    :param str message: which metric and value, and why not
    """

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class NothingMeasured(Exception):
    """No database of the instance is measured, so there is nothing to keep."""


class Store:
    """The shared values under one directory; :meth:`configure` says which."""

    def __init__(self):
        self._lock = threading.RLock()
        self._cells = {}
        self._kind = "other"
        self._heartbeats = []
        self._scrapes = {}
        self._lost = Counter()
        self._logged = {}
        self._next_heartbeat = 0.0
        self._reader = self.directory = None
        self._exemplar_readers = {}
        self._trace = None
        self._close()

    def configure(self, root):
        """Keep the values in a directory under ``root`` (path) that is made when it is first needed.

        Each shape of the catalogue has a directory of its own, so that an upgrade never adds to series of another
        shape; the directories of shapes that no live process uses are deleted.
        """
        self.directory = Path(root) / _shape(catalogue.METRICS.values())
        self._settings = PublishedSettings(self.directory / "databases")
        self._own = PublishedReadings(self.directory / "own")
        with self._lock:
            self._reader = Reader(self.directory)
            self._exemplar_readers = {}
            self._logged = {}
            self._close()
        self._delete_abandoned()

    # ------------------------------------------------------------------ writing

    def inc(self, name, labels=(), amount=1.0, database=None):
        """Add ``amount`` (float, at least 0) to a counter, now.

        :param str name: a counter of the catalogue
        :param tuple labels: label values in the catalogue's order
        :param str database: for a metric of scope 'database'
        """
        try:
            if not 0 <= amount < _INFINITY:
                raise Rejected("value", f"{amount!r} can't be added to the counter {name}")
            view, index = self._cells.get((name, labels, database)) or self._cell(name, labels, database)
            view[index] += amount
        except Exception as exception:
            self._drop(exception)

    def observe(self, name, value, labels=(), database=None):
        """Add ``value`` (float, in the metric's unit) to a histogram, now; parameters as for :meth:`inc`."""
        try:
            if not -_INFINITY < value < _INFINITY:
                raise Rejected("value", f"{value!r} can't be observed by the histogram {name}")
            view, total, buckets = self._cells.get((name, labels, database)) or self._histogram(name, labels, database)
            index = buckets[bisect_left(_BOUNDS[name], value)]
            view[total] += value
            view[index] += 1
            if self._trace is not None:
                self._exemplify(name, value, labels, database)
        except Exception as exception:
            self._drop(exception)

    def set(self, name, value, labels=(), database=None):
        """Set a gauge to ``value`` (float), now; parameters as for :meth:`inc`."""
        try:
            if value != value:
                raise Rejected("value", f"the gauge {name} can't be set to NaN")
            view, index = self._cells.get((name, labels, database)) or self._cell(name, labels, database)
            view[index + 1] = clock.now()
            view[index] = value
        except Exception as exception:
            self._drop(exception)

    def add(self, name, amount, labels=(), database=None):
        """Add ``amount`` (float, of any sign) to this process's part of a live gauge; parameters as for :meth:`inc`."""
        try:
            view, index = self._cells.get((name, labels, database)) or self._cell(name, labels, database)
            view[index] += amount
        except Exception as exception:
            self._drop(exception)

    def start(self, name, labels=(), database=None):
        """Have a counter's or a histogram's series exist, at 0 if it is new; parameters as for :meth:`inc`."""
        try:
            if (name, labels, database) not in self._cells:
                (self._histogram if name in _BOUNDS else self._cell)(name, labels, database)
        except Exception as exception:
            self._drop(exception)

    def trace_with(self, function):
        """Keep the newest observation of each bucket that is made within a trace, or none any more.

        :param function: returns the id of the current trace (int of 128 bits), or 0; None to keep none
        """
        self._trace = function

    def error(self, reason, message, *args):
        """Count a failure of telemetry itself, and log it at most once a minute for each reason.

        :param str reason: a value of the label ``reason`` of ``influencegen_telemetry_errors_total``
        :param str message: what happened, as a logging format for ``args``
        """
        with self._lock:
            self._lost[reason] += 1
        now = time.monotonic()
        if now >= self._logged.get(reason, 0.0):
            self._logged[reason] = now + _LOG_SECONDS
            _logger.warning("Telemetry, %s: " + message, reason, *args)

    # ------------------------------------------------------------------ settings of databases

    def publish(self, database, settings):
        """Make the :class:`~.settings.Settings` of ``database`` (str) known to all workers."""
        try:
            self._settings.publish(database, settings)
            self._retry_at = 0.0
        except OSError as exception:
            self.error("settings", "the settings of %s can't be published: %s", database, exception)

    def withdraw(self, database):
        """Stop exporting ``database`` (str)."""
        try:
            self._settings.withdraw(database)
            self._own.withdraw(database)
        except OSError as exception:
            self.error("settings", "%s can't be withdrawn: %s", database, exception)

    def remove(self):
        """Delete all values: no database is measured any more."""
        with self._lock:
            if self._slots is not None:
                self._slots.close()
            self._close()
        shutil.rmtree(self.directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.directory.parent.rmdir()

    def databases(self):
        """Return {database name: :class:`~.settings.Settings`} of the databases that are exported."""
        try:
            return self._settings.databases()
        except (OSError, ValueError, TypeError) as exception:
            self.error("settings", "the settings of the databases can't be read: %s", exception)
            return {}

    # ------------------------------------------------------------------ own metrics of databases

    def publish_own(self, database, reading):
        """Make the :class:`~.own.Reading` of ``database`` (str) known to all workers."""
        try:
            if database in self.databases():
                self._own.publish(database, reading)
        except OSError as exception:
            self.error("own_metric", "the own metrics of %s can't be published: %s", database, exception)

    def own(self, database):
        """Return the newest :class:`~.own.Reading` of ``database`` (str); one without metrics if there is none."""
        try:
            return self._own.databases().get(database) or Reading()
        except (OSError, ValueError, TypeError, KeyError) as exception:
            self.error("own_metric", "the own metrics of %s can't be read: %s", database, exception)
            return Reading()

    # ------------------------------------------------------------------ the process

    def set_kind(self, kind):
        """Tell what this process does: a value of the label ``kind`` of ``odoo_workers_active``."""
        self._kind = kind
        with self._lock:
            if self._slot is not None:
                self._slots.describe(self._slot, kind)

    def kind(self):
        """Return what this process does, as :meth:`set_kind` was told."""
        return self._kind

    def current_slot(self):
        """Return the slot number of this process, or None if it has written nothing yet."""
        return self._slot

    def live_slots(self):
        """Return a list of :class:`~.slots.SlotInfo` of the live processes that hold a slot."""
        try:
            with self._lock:
                self._open_shared()
                return self._slots.live()
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)
            return []

    def on_heartbeat(self, function):
        """Call ``function()`` at most once a second in each working process, at the end of a request or a job."""
        if function not in self._heartbeats:
            self._heartbeats.append(function)

    def off_heartbeat(self, function):
        """Undo :meth:`on_heartbeat`."""
        if function in self._heartbeats:
            self._heartbeats.remove(function)

    def on_scrape(self, function, group):
        """Ask ``function(database)`` for (name, labels, value) when ``group`` is scraped.

        It is called by the worker that answers: with None for what belongs to the instance, then for each database.
        """
        self._scrapes[function] = group

    def off_scrape(self, function):
        """Undo :meth:`on_scrape`."""
        self._scrapes.pop(function, None)

    def scraped(self, groups, databases):
        """Yield (name, database, labels, value) of all that is read at scrape time for ``groups`` and ``databases``."""
        for function, group in list(self._scrapes.items()):
            if group not in groups:
                continue
            for database in (None, *databases):
                try:
                    for name, labels, value in function(database):
                        yield name, database, tuple(map(str, labels)), value
                except Exception as exception:
                    self.error("scrape", "%s failed: %s", function.__qualname__, exception)

    def heartbeat(self):
        """Do the process's once-a-second work if a second has passed: find a lost directory, flush, refresh."""
        now = time.monotonic()
        if now < self._next_heartbeat:
            return
        self._next_heartbeat = now + 1.0
        try:
            self._reopen_if_lost()
            self._flush_errors()
            for function in self._heartbeats:
                function()
        except Exception as exception:
            self._drop(exception)

    def after_fork(self):
        """Let go of the parent's slot: the child takes one of its own when it first writes."""
        self._lock = threading.RLock()
        self._lost = Counter()
        self._reader = Reader(self.directory)
        self._exemplar_readers = {}
        self._next_heartbeat = 0.0
        slots = self._slots
        self._close()
        if slots is not None and self._is_gone(slots):
            slots.close()
        else:
            self._slots = slots

    # ------------------------------------------------------------------ reading

    def sums(self):
        """Return the :class:`~.reader.Sums` of all values of the instance, added up over slots."""
        self._reopen_if_lost()
        self._flush_errors()
        live = {info.slot for info in self.live_slots()}
        while True:
            try:
                sums = self._reader.read(live)
                break
            except DamagedError as damage:
                self.error("damaged", "%s was set aside, its values are lost", damage)
                damage.path.replace(damage.path.with_suffix(".damaged"))
        with self._lock:
            for reason, count in self._lost.items():
                sums.add((_ERRORS, None, (reason,), ""), count)
        return sums

    def read(self):
        """Return all values of the instance, added up over slots, and when gauges were set, by :mod:`.clock`.

        :return: {(metric, database, labels, sample): value}; a histogram's buckets are not cumulative yet
        """
        sums = self.sums()
        return sums.by_key(), sums.stamps

    def exemplars(self):
        """Return the newest :class:`~.exemplars.Exemplar` of each bucket over all slots; none if nothing is traced.

        :return: {(metric, database, labels): {upper bound as text: exemplar}}
        """
        newest = {}
        if self._trace is None:
            return newest
        for path in self.directory.glob("exemplars-*.db"):
            reader = self._exemplar_readers.get(path.name) or self._exemplar_readers.setdefault(
                path.name, ExemplarReader(path))
            try:
                for (*series, bound), exemplar in reader.read():
                    known = newest.setdefault(tuple(series), {})
                    if bound not in known or exemplar.time > known[bound].time:
                        known[bound] = exemplar
            except (RuntimeError, ValueError, OSError) as exception:
                self._exemplar_readers.pop(path.name, None)
                self.error("damaged", "%s can't be read: %s", path.name, exception)
        return newest

    def bounded(self, metric, labels, database, count=True):
        """Return ``labels`` (tuple) as strings within the catalogue's bounds; what exceeds them becomes 'other'.

        :param bool count: whether to count what was folded
        :raises Rejected: when their number is not the metric's.
        """
        if len(labels) != len(metric.labels):
            raise Rejected("label", f"{metric.name} has {len(metric.labels)} labels, not {labels!r}")
        with self._lock:
            self._open_shared()
        bounded = []
        for label, value in zip(metric.labels, map(str, labels), strict=True):
            if label.values:
                kept = value if value in label.values else OTHER
            elif len(value) > _LONGEST_LABEL:
                kept = OTHER
            else:
                kept = self._labels.admit(database, label.room or label.name, value, self._limit(label, database))
            if kept != value and count:
                self.inc("influencegen_telemetry_labels_folded_total", (label.room or label.name,))
            bounded.append(kept)
        return tuple(bounded)

    def label_counts(self):
        """Return {(database, label name): number of values taken} of the labels without a closed list."""
        try:
            with self._lock:
                self._open_shared()
                return self._labels.count()
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)
            return {}

    def slot_count(self):
        """Return how many slots were ever made."""
        self._reader.refresh()
        return self._reader.slot_count()

    # ------------------------------------------------------------------ files

    def _limit(self, label, database):
        """Return how many values ``label`` may take; for a series of the instance, the most that a database allows."""
        databases = self.databases()
        asked = databases.values() if database is None else filter(None, [databases.get(database)])
        limits = [settings.label_limits[label.name] for settings in asked if label.name in settings.label_limits]
        return max(limits, default=label.limit)

    def _cell(self, name, labels, database):
        metric = catalogue.METRICS.get(name)
        if metric is None:
            raise Rejected("metric", f"{name} is not in the catalogue")
        with self._lock:
            self._open()
            kept = self.bounded(metric, labels, database)
            values = self._live if name in _LIVE else self._values
            cell = values.cell(make_key(name, database, kept))
        self._remember(name, labels, database, kept, cell)
        return cell

    def _histogram(self, name, labels, database):
        metric = catalogue.METRICS.get(name)
        if metric is None or metric.kind != "histogram":
            raise Rejected("metric", f"{name} is not a histogram of the catalogue")
        with self._lock:
            self._open()
            kept = self.bounded(metric, labels, database)
            samples = ("sum", *map(str, _BOUNDS[name]))
            cells = [self._values.cell(make_key(name, database, kept, sample)) for sample in samples]
            view = self._values.cell(make_key(name, database, kept, "sum"))[0]
        cell = view, cells[0][1], tuple(index for _view, index in cells[1:])
        self._remember(name, labels, database, kept, cell)
        return cell

    def _exemplify(self, name, value, labels, database):
        trace_id = self._trace()
        if trace_id:
            bound = _BOUNDS[name][bisect_left(_BOUNDS[name], value)]
            key = name, labels, database, bound
            cells = self._traced.get(key) or self._exemplar(*key)
            self._exemplars.note(cells, value, trace_id)

    def _exemplar(self, name, labels, database, bound):
        with self._lock:
            self._open()
            if self._exemplars is None:
                self._exemplars = SlotExemplars(self._open_values(self.directory / f"exemplars-{self._slot}.db"))
            kept = self.bounded(catalogue.METRICS[name], labels, database, count=False)
            cells = self._exemplars.cells(name, database, kept, str(bound))
        if kept == tuple(map(str, labels)):
            self._traced[name, labels, database, bound] = cells
        return cells

    def _remember(self, name, labels, database, kept, cell):
        if kept == tuple(map(str, labels)):
            self._cells[name, labels, database] = cell

    def _open_shared(self):
        if self._labels is None:
            if not self._settings.exist():
                raise NothingMeasured(f"no database is measured under {self.directory}")
            self._slots = self._slots or Slots(self.directory / "slots")
            self._labels = LabelValues(self.directory / "labels")

    def _open(self):
        if self._values is not None:
            return
        if time.monotonic() < self._retry_at:
            raise self._failure
        try:
            self._open_shared()
            slot = self._slots.claim(self._kind)
            (self.directory / f"live-{slot}.db").unlink(missing_ok=True)
            self._live = SlotValues(self.directory / f"live-{slot}.db")
            self._values = self._open_values(self.directory / f"values-{slot}.db")
            self._slot = slot
        except (OSError, NothingMeasured) as exception:
            self._retry_at, self._failure = time.monotonic() + _RETRY_SECONDS, exception
            raise

    def _open_values(self, path):
        try:
            values = SlotValues(path)
            list(SlotReader(path).read())
        except (RuntimeError, ValueError) as exception:
            self.error("damaged", "%s is damaged and was set aside, its values are lost: %s", path.name, exception)
            path.replace(path.with_suffix(".damaged"))
            values = SlotValues(path)
        return values

    def _delete_abandoned(self):
        try:
            for path in self.directory.parent.glob("*/slots"):
                if path.parent != self.directory:
                    slots = Slots(path)
                    if not slots.live():
                        shutil.rmtree(path.parent, ignore_errors=True)
                    slots.close()
        except OSError as exception:
            self._drop(exception)

    def _reopen_if_lost(self):
        if self._slots is not None and self._is_gone(self._slots):
            self.error("directory", "%s is gone; all counters start again from 0", self.directory)
            with self._lock:
                self._slots.close()
                self._close()

    def _is_gone(self, slots):
        try:
            return os.stat(self.directory / "slots").st_ino != slots.inode
        except OSError:
            return True

    def _close(self):
        self._cells.clear()
        self._traced = {}
        self._exemplars = None
        self._slots = self._labels = self._values = self._live = self._slot = None
        self._retry_at = 0.0

    # ------------------------------------------------------------------ failures

    def _drop(self, exception):
        if isinstance(exception, NothingMeasured):
            return
        if isinstance(exception, Rejected):
            reason = exception.reason
        elif isinstance(exception, OSError):
            reason = "disk" if self.directory.exists() else "directory"
        else:
            reason = "value"
        self.error(reason, "a value was dropped: %s: %s", type(exception).__name__, exception)

    def _flush_errors(self):
        with self._lock:
            if not self._lost:
                return
            try:
                self._open()
                for reason, count in self._lost.items():
                    view, index = self._values.cell(make_key(_ERRORS, None, (reason,)))
                    view[index] += count
                self._lost.clear()
            except (OSError, NothingMeasured):
                return


_shared = Store()
os.register_at_fork(after_in_child=_shared.after_fork)

configure = _shared.configure
inc, observe, set, add, error = _shared.inc, _shared.observe, _shared.set, _shared.add, _shared.error
publish, withdraw, databases, remove = _shared.publish, _shared.withdraw, _shared.databases, _shared.remove
publish_own, own = _shared.publish_own, _shared.own
trace_with, exemplars = _shared.trace_with, _shared.exemplars
set_kind, kind, current_slot, live_slots = _shared.set_kind, _shared.kind, _shared.current_slot, _shared.live_slots
heartbeat, on_heartbeat, off_heartbeat = _shared.heartbeat, _shared.on_heartbeat, _shared.off_heartbeat
sums, read, start = _shared.sums, _shared.read, _shared.start
scraped, on_scrape, off_scrape = _shared.scraped, _shared.on_scrape, _shared.off_scrape
bounded, label_counts, slot_count = _shared.bounded, _shared.label_counts, _shared.slot_count


def directory():
    """Return the path under which the values are kept."""
    return _shared.directory
