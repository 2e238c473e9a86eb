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
from typing import NamedTuple

from .values import BEGIN, CELL, entries, make_key, parse_key

_TRACE = " trace"
_HALVES = struct.Struct("=dd")


class Exemplar(NamedTuple):
    """An observation: the id of its trace (32 hexadecimal digits), its value, and its time (Unix seconds)."""

    trace_id: str
    value: float
    time: float


class SlotExemplars:
    """Exemplars that this process writes.

    :param SlotValues values: the file of its slot
    """

    def __init__(self, values):
        self._values = values
        self._lock = threading.Lock()

    def cells(self, name, database, labels, bound):
        """Return what :meth:`note` takes to know the bucket with the upper bound ``bound`` (str).

        :raises OSError: when the disk is full
        """
        trace = self._values.cell(make_key(name, database, labels, bound + _TRACE))[1]
        view, observed = self._values.cell(make_key(name, database, labels, bound))
        return view, observed, trace

    def note(self, cells, value, trace_id):
        """Keep the observation of ``value`` (float), made now within the trace ``trace_id`` (int of 128 bits)."""
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

    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._inode = None

    def read(self):
        """Yield (key, :class:`Exemplar`) of all that are whole; the key is the tuple that its values have.

        :raises DamagedError: when the file's content is damaged.
        :raises OSError: when it can't be read.
        """
        before, after = (self._cells() for _ in range(2))
        for key, (_value, stamp) in before.items():
            *series, bound = key
            halves = before.get((*series, bound + _TRACE))
            if halves and stamp and stamp == after[key][1]:
                yield key, Exemplar(_HALVES.pack(*halves).hex(), after[key][0], stamp)

    def _cells(self):
        with self._lock, open(self._path, "rb") as file:
            inode, content = os.fstat(file.fileno()).st_ino, file.read()
            if inode != self._inode:
                self._inode, self._end, self._keys = inode, BEGIN, []
            for key, at in entries(self._path, content, begin=self._end):
                self._keys.append((parse_key(key), at))
                self._end = at + CELL.size
            return {key: CELL.unpack_from(content, at) for key, at in self._keys}
