"""The values of one slot: a memory-mapped file, with its space reserved and its cells addressable.

The file format is that of ``prometheus_client.mmap_dict.MmapedDict``: how much of the file is used (4 bytes, 4 empty
ones), then the entries: each has the length of its key (4 bytes), the key with spaces up to a multiple of 8, its value
and its time (two doubles). Two things are added: space is reserved before it is used, because a write to a hole of a
full disk would end the process with SIGBUS; and a value is handed out as a cell of a memory view, because adding to a
cell is several times faster than packing a pair of doubles.

The time of a gauge is when it was set; that of a counter is when its series appeared, as :func:`appeared` has it.
"""

import functools
import hashlib
import json
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from .metric import METRICS, Metric

Cell: TypeAlias = "tuple[memoryview[float], int]"
"""A view and an index: ``view[index]`` is a value and ``view[index + 1]`` its time, both doubles."""
Key = tuple[str, str | None, tuple[str, ...], str]
"""What a value is of: metric, database (None: the instance), label values, and the part of a histogram or ''."""

CAPACITY = 1 << 16
BEGIN = 8
"""Where the first entry of a file is."""
_LENGTH = struct.Struct("=i")
VALUE = struct.Struct("=dd")
"""A value and its time."""


def appeared() -> float:
    """Return the creation stamp of a new counter series: the negated Unix time, which sorts before any gauge's stamp.

    0 is an unknown time: an earlier version made the cell.
    """
    return -time.time()


class DamagedError(Exception):
    """A file holds what no writer writes.

    :param path: of the file
    :param str message: what is wrong with it
    """

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path.name} is damaged: {message}")
        self.path = path


def entries(
    path: Path,
    content: bytes | mmap.mmap,
    parse: Callable[[bytes], object] | None = None,
    begin: int = BEGIN,
) -> Iterator[tuple[bytes, int]]:
    """Yield (key as bytes, offset of its value) of all entries of a file.

    :param path: of the file, for the error
    :param content: its bytes, or its memory map
    :param parse: function that raises for what is not a key; :func:`parse_key` unless another build wrote them
    :param int begin: offset of the first entry to yield: BEGIN, or the end of an earlier entry
    :raises DamagedError: when the content is not that of a file of values
    """
    if not content:
        return
    used = _LENGTH.unpack_from(content)[0] if len(content) >= BEGIN else -1
    if used == 0:
        return
    if not begin <= used <= len(content) or used % 8 or len(content) % 8:
        raise DamagedError(path, f"{used} bytes of {len(content)} are used")
    end = begin
    while end < used:
        length = _LENGTH.unpack_from(content, end)[0]
        key_at = end + _LENGTH.size
        value_at = key_at + length + 8 - (length + _LENGTH.size) % 8
        if length <= 0 or value_at + VALUE.size > used:
            raise DamagedError(path, f"the key at {end} ends at {value_at} of {used} bytes")
        key = bytes(content[key_at : key_at + length])
        try:
            (parse or parse_key)(key)
        except Exception as exception:
            raise DamagedError(path, f"the key at {end} can't be read: {exception!r}") from exception
        end = value_at + VALUE.size
        yield key, value_at


class SlotValues:
    """Values that this process writes.

    :param path: file to open; created with reserved space if it is missing or empty.
    :raises OSError: when it can't be opened, or the disk is full.
    :raises DamagedError: when its content is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.stat = os.fstat(self._fd)
        self._capacity = self.stat.st_size
        if self._capacity == 0:
            os.posix_fallocate(self._fd, 0, CAPACITY)
            self._capacity = CAPACITY
        self._map()
        self._positions = {key: at // 8 for key, at in entries(path, self._mmap)}
        self._used = _LENGTH.unpack_from(self._mmap)[0] or BEGIN

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)

    def cell(self, key: str | bytes, stamp: float = 0.0) -> Cell:
        """Return the cell of ``key``, which is made if it is missing.

        :param key: str of :func:`make_key`, or its bytes
        :param stamp: the time of one that is made
        :raises OSError: when the disk is full; nothing has changed then.
        """
        key = key if isinstance(key, bytes) else key.encode()
        if key not in self._positions:
            self._add(key, stamp)
        return self._view, self._positions[key]

    def cells(self) -> dict[bytes, Cell]:
        """Return {key: cell} of all values."""
        return {key: (self._view, index) for key, index in self._positions.items()}

    def content(self) -> bytes:
        """Return all bytes of the file as they are now, also when it was deleted."""
        return bytes(self._mmap)

    def _add(self, key: bytes, stamp: float) -> None:
        padded = key + b" " * (8 - (len(key) + _LENGTH.size) % 8)
        value_at = self._used + _LENGTH.size + len(padded)
        end = value_at + VALUE.size
        self._reserve(end)
        _LENGTH.pack_into(self._mmap, self._used, len(key))
        self._mmap[self._used + _LENGTH.size : value_at] = padded
        VALUE.pack_into(self._mmap, value_at, 0.0, stamp)
        # last: a reader looks at nothing beyond it. With a single write to memory: `pack_into` writes zeros first, and
        # a reader that saw them would call the file damaged (https://github.com/prometheus/client_python/pull/315)
        self._ends[0] = end
        self._used = end
        self._positions[key] = value_at // 8

    def _reserve(self, size: int) -> None:
        capacity = self._capacity
        while size > capacity:
            capacity *= 2
        if capacity > self._capacity:
            os.posix_fallocate(self._fd, 0, capacity)
            self._capacity = capacity
            self._map()

    def _map(self) -> None:
        if self._capacity % 8 or self._capacity < BEGIN:
            raise DamagedError(self.path, f"it has {self._capacity} bytes")
        self._mmap = mmap.mmap(self._fd, self._capacity)
        self._view: memoryview[float] = memoryview(self._mmap).cast("d")
        self._ends: memoryview[int] = memoryview(self._mmap).cast("i")


@functools.cache
def shape(metric: Metric) -> str:
    """Return a hash of kind, buckets and labels: values of two shapes of a metric are not comparable."""
    parts = metric.kind, tuple(map(float, metric.buckets)), metric.label_names
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def make_key(metric: str, database: str | None, labels: Sequence[str], sample: str = "") -> str:
    """Return the text under which a value is kept: JSON of (metric, database or None, label values, sample, shape).

    ``sample`` distinguishes the parts of a histogram: 'sum', or a bucket's upper bound. The metric's shape is a part of
    the key, so that a metric that has got another one starts over, and no other metric does. It is empty for a metric
    that is not declared yet, and matches any shape then.
    """
    known = METRICS.get(metric)
    return json.dumps([metric, database, labels, sample, shape(known) if known else ""])


def parse_key(key: bytes) -> Key:
    """Return the :data:`Key` of a text that :func:`make_key` made.

    For a metric that the catalogue lacks, or has in another shape, the first part is not the name of any metric.

    :raises Exception: (of any kind) when it made no such text
    """
    metric, database, labels, sample, its_shape = json.loads(key)
    "".join((metric, database or "", *labels, sample, its_shape))
    known = METRICS.get(metric)
    if known is None or its_shape not in ("", shape(known)):
        metric = f"{metric} {its_shape}"
    return metric, database, tuple(labels), sample
