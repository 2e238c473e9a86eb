"""Exemplars: for each bucket of a histogram, the newest observation that was made within a trace.

A process keeps its own in a file of the same format as its slot's values (``values.py``): under a bucket's key are the
observed value and its time, under a second key the two halves of the trace's id, 64 bits each, as doubles.

No lock is taken between processes. The time is set to 0 before an exemplar changes and to now when it is whole, so a
reader that finds the same time before and after it read the rest has read one exemplar, and not parts of two.
"""

import os
import struct
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from .directory import Directory
from .errors import Errors
from .limits import Limits
from .metric import Metric
from .values import BEGIN, VALUE, DamagedError, Key, SlotValues, entries, make_key, parse_key

_TRACE = " trace"
_HALVES = struct.Struct("=dd")
_Place: TypeAlias = "tuple[memoryview[float], int, int]"
"""A view, and where in it an observation and the id of its trace are."""
_Series = tuple[str, str | None, tuple[str, ...]]


class Exemplar(NamedTuple):
    """An observation: the id of its trace (32 hexadecimal digits), its value, and its time (Unix seconds)."""

    trace_id: str
    value: float
    time: float


class SlotExemplars:
    """Exemplars that this process writes.

    :param values: the file of its slot
    """

    def __init__(self, values: SlotValues) -> None:
        self._values = values
        self._lock = threading.Lock()

    def cells(self, name: str, database: str | None, labels: tuple[str, ...], bound: str) -> _Place:
        """Return the ``cells`` argument of :meth:`note` for the bucket with the upper bound ``bound``.

        :raises OSError: when the disk is full
        """
        trace = self._values.cell(make_key(name, database, labels, bound + _TRACE))[1]
        view, observed = self._values.cell(make_key(name, database, labels, bound))
        return view, observed, trace

    def note(self, cells: _Place, value: float, trace_id: int) -> None:
        """Keep the observation of ``value``, made now within the trace ``trace_id`` (128 bits)."""
        view, observed, trace = cells
        with self._lock:
            view[observed + 1] = 0.0
            view[trace], view[trace + 1] = _HALVES.unpack(trace_id.to_bytes(16, "big"))
            view[observed] = value
            view[observed + 1] = time.time()


class ExemplarReader:
    """Exemplars that another process may be writing.

    :param path: the file of its slot
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._inode: int | None = None

    def read(self) -> Iterator[tuple[Key, Exemplar]]:
        """Yield key and exemplar of all that are whole; the key is that of the bucket's value.

        :raises DamagedError: when the file's content is damaged.
        :raises OSError: when it can't be read.
        """
        before, after = (self._cells() for _ in range(2))
        for key, (_value, stamp) in before.items():
            name, database, labels, bound = key
            halves = before.get((name, database, labels, bound + _TRACE))
            if halves and stamp and stamp == after[key][1]:
                yield key, Exemplar(_HALVES.pack(*halves).hex(), after[key][0], stamp)

    def _cells(self) -> dict[Key, tuple[float, float]]:
        with self._lock, open(self._path, "rb") as file:
            inode, content = os.fstat(file.fileno()).st_ino, file.read()
            if inode != self._inode:
                self._inode, self._end = inode, BEGIN
                self._keys: list[tuple[Key, int]] = []
            for key, at in entries(self._path, content, begin=self._end):
                self._keys.append((parse_key(key), at))
                self._end = at + VALUE.size
            return {key: VALUE.unpack_from(content, at) for key, at in self._keys}


class Exemplars:
    """The exemplars of an instance: those that this process notes, and the newest of all."""

    def __init__(self, directory: Directory, limits: Limits, errors: Errors) -> None:
        self._directory, self._limits, self._errors = directory, limits, errors
        self.trace: Callable[[], int] | None = None
        """Returns the id of the current trace (128 bits), or 0; None if nothing is traced."""
        self._places: dict[tuple[str, tuple[object, ...], str | None, float], _Place] = {}
        self._close()
        directory.when_closed(self._close)

    def _close(self) -> None:
        self._places.clear()
        self._own: SlotExemplars | None = None
        self._readers: dict[str, ExemplarReader] = {}

    def trace_with(self, function: Callable[[], int] | None) -> None:
        """Keep the newest observation of each bucket that is made within a trace, or none any more.

        :param function: returns the id of the current trace (128 bits), or 0; None to keep none
        """
        self.trace = function

    def note(self, metric: Metric, value: float, labels: tuple[object, ...], database: str | None) -> None:
        """Keep an observation of a histogram, if it is made within a trace.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when it can't be written
        """
        if self.trace and (trace_id := self.trace()):
            bounds = metric.bounds
            bound = bounds[bisect_left(bounds, value)]
            place = self._places.get((metric.name, labels, database, bound))
            if place is None:
                place = self._place(metric, labels, database, bound)
            (self._own or self._slot()).note(place, value, trace_id)

    def _place(self, metric: Metric, labels: tuple[object, ...], database: str | None, bound: float) -> _Place:
        with self._directory.lock:
            bounded = self._limits.bounded(metric, labels, database)
            place = self._slot().cells(metric.name, database, bounded, str(bound))
            if bounded == tuple(map(str, labels)):
                self._places[metric.name, labels, database, bound] = place
        return place

    def _slot(self) -> SlotExemplars:
        if self._own is None:
            with self._directory.lock:
                path = self._directory.path / f"exemplars-{self._directory.slot().number}.db"
                self._own = self._own or SlotExemplars(self._directory.open_values(path))
        return self._own

    def read(self) -> dict[_Series, dict[str, Exemplar]]:
        """Return the newest exemplar of each bucket over all slots; none if nothing is traced.

        :return: {(metric, database, labels): {upper bound as text: exemplar}}
        """
        newest: dict[_Series, dict[str, Exemplar]] = {}
        if self.trace is None:
            return newest
        for path in self._directory.path.glob("exemplars-*.db"):
            reader = self._readers.get(path.name) or self._readers.setdefault(path.name, ExemplarReader(path))
            try:
                for (name, database, labels, bound), exemplar in reader.read():
                    known = newest.setdefault((name, database, labels), {})
                    if bound not in known or exemplar.time > known[bound].time:
                        known[bound] = exemplar
            except FileNotFoundError:
                self._readers.pop(path.name, None)
            except DamagedError as damage:
                self._readers.pop(path.name, None)
                self._directory.set_aside(damage)
            except OSError as exception:
                self._errors.drop(exception)
        return newest
