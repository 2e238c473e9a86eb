"""The values of all metrics, shared by all workers of an instance.

Each process writes to the two memory-mapped files of its slot (``slots.py``): ``values`` keeps what must outlive the
process, ``live`` what ends with it (``holding.py``). A reading adds up the files of all slots (``reader.py``). The
functions of this module never raise and never block: what can't be stored is dropped, counted and logged.

``view[index] += amount`` takes no lock: CPython (with its GIL) changes threads only at calls and at the ends of loops,
and there is neither between the load and the store of a memory view's cell. A lock would more than double the cost.
"""

import contextlib
import logging
import os
import shutil
import threading
import time
from bisect import bisect_left
from collections import Counter
from pathlib import Path

from . import catalogue, clock
from .adoption import adopt
from .exemplars import ExemplarReader, SlotExemplars
from .heartbeat import Heartbeat
from .holding import ERRORS, Holding
from .labels import OTHER
from .own import PublishedReadings, Reading
from .reader import Sums
from .settings import PublishedSettings
from .values import DamagedError, make_key

_logger = logging.getLogger(__name__)

_INFINITY = float("inf")
_RETRY_SECONDS = 1.0
_LOG_SECONDS = 60.0
_LONGEST_LABEL = 200
_MOST_READINGS = 20
"""So often a reading is repeated when files are found damaged, or the directory lost, meanwhile."""

_BOUNDS = catalogue.BOUNDS
_NOTHING = Sums([], [], {}, {}, None)


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
        self._traced = {}
        self._kind = "other"
        self._beats = []
        self._scrapes = {}
        self._lost = Counter()
        self._lost_lock = threading.Lock()
        self._logged = {}
        self._trace = None
        self._heartbeat = Heartbeat(self.heartbeat)
        # nothing is kept before the process says where
        self.configure(os.devnull)

    def configure(self, root):
        """Keep the values in a directory under ``root`` (path) that is made when it is first needed.

        The directory of a former build is taken over.
        """
        self.directory = Path(root) / "store"
        self._settings = PublishedSettings(self.directory / "databases", self._note_damaged)
        self._own = PublishedReadings(self.directory / "own", self._note_damaged_own)
        with self._lock:
            self._heartbeat.stop()
            self._logged = {}
            self._close()
            self._adopt()

    def _adopt(self):
        try:
            if any(self.directory.parent.glob("*/slots")):
                with self._holding.locked():
                    adopt(self.directory, self._note_damaged)
        except OSError as exception:
            self._drop(exception)

    def _note_damaged_own(self, path, exception):
        self.error("own_metric", "%s can't be read: %s", path.name, exception)

    def _note_damaged(self, path, exception):
        self.error("damaged", "%s can't be read, it is left out: %s", path.name, exception)

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

    def exemplify(self, name, value, labels=(), database=None):
        """Show the current trace, if there is one, beside an observation that is counted elsewhere: in the ledger."""
        try:
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
        """Make a series of a counter or histogram exist, at 0 if it is new; parameters as for :meth:`inc`."""
        try:
            metric = catalogue.METRICS.get(name)
            make = self._histogram if metric is not None and metric.kind == "histogram" else self._cell
            if (name, labels, database) not in self._cells:
                make(name, labels, database)
        except Exception as exception:
            self._drop(exception)

    def follow(self, name, labels, source, number):
        """Add to a counter of the instance what one outside has grown by since any process asked last.

        :param int source: which one it is; another one began at 0
        :param number: what it is now
        """

        def add(values):
            view, total = values.cell(make_key(name, None, labels))
            view, last = values.cell(make_key(f"{name} of the source", None, labels))
            grown = number - view[last] if view[last + 1] == source and number >= view[last] else number
            view[last], view[last + 1] = number, source
            view[total] += grown

        try:
            with self._lock:
                self._open_shared()
                self._holding.share(add)
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)

    def trace_with(self, function):
        """Keep the newest observation of each bucket that is made within a trace, or none any more.

        :param function: returns the id of the current trace (int of 128 bits), or 0; None to keep none
        """
        self._trace = function

    def error(self, reason, message, *args):
        """Count a failure of telemetry itself, and log it at most once a minute for each reason.

        :param str reason: a value of the label ``reason`` of ``odoo_telemetry_errors_total``
        :param str message: what happened, as a logging format for ``args``
        """
        self.count_error(reason)
        now = time.monotonic()
        if now >= self._logged.get(reason, 0.0):
            self._logged[reason] = now + _LOG_SECONDS
            _logger.warning("Telemetry, %s: " + message, reason, *args)

    def count_error(self, reason):
        """Count a failure of telemetry itself that the caller logs; ``reason`` is as for :meth:`error`."""
        cell = self._holding.error_cells.get(reason)
        if cell is not None:
            view, index = cell
            view[index] += 1
        else:
            with self._lost_lock:
                self._lost[reason] += 1

    # ------------------------------------------------------------------ settings of databases

    def publish(self, database, settings):
        """Make the :class:`~.settings.Settings` of ``database`` (str) known to all workers."""
        try:
            self._restore_if_lost()
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
            self._heartbeat.stop()
            with contextlib.suppress(OSError), self._holding.locked():
                if (self.directory / "slots").exists():
                    self._holding.open()
                    self._holding.slots.retire()
                shutil.rmtree(self.directory, ignore_errors=True)
            self._close()
        with contextlib.suppress(OSError):
            self.directory.with_suffix(".lock").unlink(missing_ok=True)
            self.directory.parent.rmdir()

    def databases(self):
        """Return {database name: :class:`~.settings.Settings`} of the databases that are exported."""
        try:
            return self._settings.databases() or self._restored_databases()
        except OSError as exception:
            self.error("settings", "the settings of the databases can't be read: %s", exception)
            return {}

    def _restored_databases(self):
        return self._settings.databases() if self._restore_if_lost() else {}

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
        except OSError as exception:
            self.error("own_metric", "the own metrics of %s can't be read: %s", database, exception)
            return Reading()

    # ------------------------------------------------------------------ the process

    def set_kind(self, kind):
        """Tell what this process does: a value of the label ``kind`` of ``odoo_workers_active``."""
        self._kind = kind
        with self._lock:
            if self._holding.slot is not None:
                self._holding.slots.describe(self._holding.slot, kind)

    def kind(self):
        """Return what this process does, as :meth:`set_kind` was told."""
        return self._kind

    def current_slot(self):
        """Return the slot number of this process, or None if it has written nothing yet."""
        return self._holding.slot

    def live_slots(self):
        """Return a list of :class:`~.slots.SlotInfo` of the live processes that hold a slot."""
        try:
            with self._lock:
                self._open_shared()
                return self._holding.slots.live()
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)
            return []

    def on_heartbeat(self, function):
        """Call ``function()`` once a second in each measured process, whether or not it has something to do."""
        if function not in self._beats:
            self._beats.append(function)

    def off_heartbeat(self, function):
        """Undo :meth:`on_heartbeat`."""
        if function in self._beats:
            self._beats.remove(function)

    def start_heartbeat(self):
        """Have this process counted as alive from now on, as soon as a database is measured."""
        self._heartbeat.start()

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
        """Do what is done once a second: restore a lost directory, flush, refresh; never raises."""
        for function in (self._tend, *self._beats):
            try:
                function()
            except Exception as exception:
                self._drop(exception)

    def _tend(self):
        self._restore_if_lost()
        self._flush_errors()
        with self._lock:
            if self._holding.slot is not None:
                self._holding.drain()
                self._holding.refresh()
                self._note_published()

    def before_fork(self):
        """Let no thread be amid a change while the process forks."""
        self._lock.acquire()

    def after_fork_in_parent(self):
        """Go on."""
        self._lock.release()

    def after_fork(self):
        """Let go of the parent's slot: the child takes one of its own when it first writes."""
        self._lock = threading.RLock()
        self._lost = Counter()
        self._lost_lock = threading.Lock()
        self._heartbeat = Heartbeat(self.heartbeat)
        self._close(self._holding.forked())

    # ------------------------------------------------------------------ reading

    def sums(self):
        """Return the :class:`~.reader.Sums` of the instance's values, all read while the directory was whole.

        What is read from files that are lost by then may be ahead of what others find in the restored ones.
        """
        for _ in range(_MOST_READINGS):
            if self._holding.is_lost() and not self._restore_if_lost() and self._sums is not _NOTHING:
                # it can't be made again now: what was read last is never ahead
                break
            self._flush_errors()
            try:
                sums = self._read()
            except DamagedError as damage:
                if self._set_aside(damage):
                    continue
                break
            except NothingMeasured:
                return _NOTHING
            except Exception as exception:
                self._drop(exception)
                break
            if not self._holding.is_lost():
                self._sums = sums
                break
        return self._sums

    def _read(self):
        with self._lock:
            try:
                self._open_shared()
                live, reader = {info.slot for info in self._holding.slots.live()}, self._holding.reader
            except OSError as exception:
                # a disk that is full or read-only is read all the same
                self._drop(exception)
                live, reader = self._holding.readable()
        return reader.read(live)

    def _set_aside(self, damage):
        try:
            with self._lock, self._holding.locked():
                self._holding.set_aside(damage)
        except OSError as exception:
            self._drop(exception)
            return False
        return True

    def read(self):
        """Return all values of the instance, added up over slots, and when gauges were set.

        :return: {(metric, database, labels, sample): value}; a histogram's buckets are not cumulative yet; and
            {key: time of :mod:`.clock`}
        """
        sums = self.sums()
        return sums.by_key(), dict(sums.stamps)

    def exemplars(self):
        """Return the newest :class:`~.exemplars.Exemplar` of each bucket over all slots; none if nothing is traced.

        :return: {(metric, database, labels): {upper bound as text: exemplar}}
        """
        newest = {}
        if self._trace is None:
            return newest
        for path in self.directory.glob("exemplars-*.db"):
            reader = self._exemplar_readers.get(path.name) or self._exemplar_readers.setdefault(
                path.name, ExemplarReader(path)
            )
            try:
                for (*series, bound), exemplar in reader.read():
                    known = newest.setdefault(tuple(series), {})
                    if bound not in known or exemplar.time > known[bound].time:
                        known[bound] = exemplar
            except FileNotFoundError:
                self._exemplar_readers.pop(path.name, None)
            except DamagedError as damage:
                self._exemplar_readers.pop(path.name, None)
                self._set_aside(damage)
            except OSError as exception:
                self._drop(exception)
        return newest

    def bounded(self, metric, labels, database, count=True):
        """Return ``labels`` (tuple) as strings within the catalogue's bounds; what exceeds them becomes 'other'.

        :param bool count: whether to count what was folded
        :raises Rejected: when their number is not the metric's.
        """
        if len(labels) != len(metric.labels):
            raise Rejected("label", f"{metric.name} has {len(metric.labels)} labels, not {labels!r}")
        bounded = []
        for label, value in zip(metric.labels, map(str, labels), strict=True):
            if label.values:
                kept = value if value in label.values else OTHER
            elif value == OTHER or len(value) > _LONGEST_LABEL:
                kept = OTHER
            else:
                kept = self._admitted().admit(database, label.room or label.name, value, self._limit(label, database))
            if kept != value and count:
                self.inc("odoo_telemetry_labels_folded_total", (label.room or label.name,))
            bounded.append(kept)
        return tuple(bounded)

    def admit(self, database, label, values, share=1.0):
        """Let values into a :class:`~.catalogue.Label` beforehand, as far as there is room; never raises.

        :param database: name, or None for series of the instance
        :param values: iterable of str, the most important ones first
        :param float share: of the label's limit that they may take up
        """
        try:
            limit = int(share * self._limit(label, database))
            kept = [value for value in values if len(value) <= _LONGEST_LABEL]
            self._admitted().admit_all(database, label.room or label.name, kept, limit)
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)

    def admitted(self, database, label):
        """Return the set of the values of a :class:`~.catalogue.Label` that are let in."""
        try:
            return self._admitted().known(database, label.room or label.name)
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)
            return frozenset()

    def _admitted(self):
        with self._lock:
            self._open_shared()
            return self._holding.labels()

    def label_counts(self):
        """Return {(database, label name): number of values taken} of the labels without a closed list."""
        try:
            return self._admitted().count()
        except (OSError, NothingMeasured) as exception:
            self._drop(exception)
            return {}

    def slot_count(self):
        """Return how many slots were ever made."""
        with self._lock:
            return self._holding.reader.slot_count() if self._holding.reader else 0

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
            values = self._holding.live if name in catalogue.LIVE else self._holding.values
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
            cells = [self._holding.values.cell(make_key(name, database, kept, sample)) for sample in samples]
            # the last one: the file was mapped again if it has grown
            view = cells[-1][0]
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
                path = self.directory / f"exemplars-{self._holding.slot}.db"
                self._exemplars = SlotExemplars(self._holding.open_values(path))
            kept = self.bounded(catalogue.METRICS[name], labels, database, count=False)
            cells = self._exemplars.cells(name, database, kept, str(bound))
        if kept == tuple(map(str, labels)):
            self._traced[name, labels, database, bound] = cells
        return cells

    def _remember(self, name, labels, database, kept, cell):
        if kept == tuple(map(str, labels)):
            self._cells[name, labels, database] = cell

    def _open_shared(self):
        if self._holding.slots is None:
            if not self._settings.exist():
                raise NothingMeasured(f"no database is measured under {self.directory}")
            self._holding.open()
            self._note_published()

    def _note_published(self):
        """Read what databases publish, so that it can be published again if the directory is lost."""
        self._settings.databases()
        self._own.databases()

    def _open(self):
        if self._holding.slot is not None:
            return
        if time.monotonic() < self._retry_at:
            raise self._failure
        try:
            self._restore_if_lost()
            self._open_shared()
            self._heartbeat.start()
            self._holding.claim(self._kind)
        except (OSError, NothingMeasured) as exception:
            self._retry_at, self._failure = time.monotonic() + _RETRY_SECONDS, exception
            raise

    def _restore_if_lost(self):
        """Restore the directory if it is lost, unless it was deleted on purpose; return whether it was restored."""
        if not self._holding.is_lost():
            return False
        try:
            with self._lock:
                if not self._holding.is_lost():
                    return True
                if self._holding.slots.is_retired():
                    self._holding.close()
                    self._close()
                    return False
                self._settings.restore()
                self._own.restore()
                first = self._holding.restore(self._kind)
                self._forget_cells()
        except BlockingIOError:
            # another process is at it
            return False
        except Exception as exception:
            self.error("directory", "%s is gone, and can't be made again: %r", self.directory, exception)
            return False
        if first:
            self.error("directory", "%s is gone; it was made again of what processes had open", self.directory)
        return True

    def _close(self, holding=None):
        self._holding = holding or Holding(self.directory, self.error)
        self._sums = _NOTHING
        self._retry_at = 0.0
        self._forget_cells()

    def _forget_cells(self):
        self._cells.clear()
        self._traced.clear()
        self._exemplars = None
        self._exemplar_readers = {}

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
        """Count the errors of a process without a slot where all processes can."""
        if not self._lost:
            return
        with self._lost_lock:
            lost, self._lost = self._lost, Counter()

        def add(values):
            for reason, count in lost.items():
                view, index = values.cell(make_key(ERRORS, None, self.bounded(metric, (reason,), None, count=False)))
                view[index] += count

        metric = catalogue.METRICS[ERRORS]
        try:
            with self._lock:
                self._open_shared()
                self._holding.share(add)
        except Exception:
            # not shown until it can be: the next worker that is asked would not have it
            with self._lost_lock:
                self._lost += lost


_shared = Store()
os.register_at_fork(
    before=_shared.before_fork, after_in_parent=_shared.after_fork_in_parent, after_in_child=_shared.after_fork
)

configure = _shared.configure
inc, observe, exemplify = _shared.inc, _shared.observe, _shared.exemplify
set, add, error, count_error = _shared.set, _shared.add, _shared.error, _shared.count_error
publish, withdraw, databases, remove = _shared.publish, _shared.withdraw, _shared.databases, _shared.remove
publish_own, own = _shared.publish_own, _shared.own
trace_with, exemplars = _shared.trace_with, _shared.exemplars
set_kind, kind, current_slot, live_slots = _shared.set_kind, _shared.kind, _shared.current_slot, _shared.live_slots
heartbeat, on_heartbeat, off_heartbeat = _shared.heartbeat, _shared.on_heartbeat, _shared.off_heartbeat
start_heartbeat, sums = _shared.start_heartbeat, _shared.sums
read, scraped, on_scrape, off_scrape = _shared.read, _shared.scraped, _shared.on_scrape, _shared.off_scrape
bounded, label_counts, slot_count = _shared.bounded, _shared.label_counts, _shared.slot_count
admit, admitted, start, follow = _shared.admit, _shared.admitted, _shared.start, _shared.follow


def directory():
    """Return the path under which the values are kept."""
    return _shared.directory
