"""The values of all slots, read and added up.

A file of values only ever grows, and a key stays where it was written. So each key is decoded once, and a reading is
one C loop over the cells of a file and one addition for each of its values, whatever the number of labels.

Files stay open: one that was deleted, or that has grown since it was deleted, can still be read.
"""

import math
import mmap
import os
import re
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from . import clock
from .metric import METRICS, Merge, Metric
from .mtime import is_settled
from .values import BEGIN, DamagedError, Key, parse_key

_NAME = re.compile(r"(values|live)-(\d+|shared)\.db")


class Sums(NamedTuple):
    """The values of an instance at one moment.

    keys: of counters and histograms; a histogram's buckets are not cumulative. Append-only while
        ``generation`` is the same; may be longer than ``values``, which are those of its first ``len(values)`` entries.
    values: of ``keys``.
    gauges: {key: value} of the gauges that are set.
    stamps: {key: when it was set} of those that keep the latest value, by the clock of the writers.
    generation: an object that is replaced when ``keys`` is reset.
    appeared: Unix times when each of ``keys`` first was in any file; 0 if that is not known.
    """

    keys: list[Key]
    values: list[float]
    gauges: dict[Key, float]
    stamps: dict[Key, float]
    generation: object
    appeared: list[float]

    def by_key(self) -> dict[Key, float]:
        """Return {key: value} of all values."""
        return {**dict(zip(self.keys, self.values, strict=False)), **self.gauges}


class _File:
    """One mapped file.

    :raises OSError: when it can't be opened or mapped.
    """

    def __init__(self, path: Path, slot: int | None, live: bool) -> None:
        self.path, self.slot, self.live = path, slot, live
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.inode = os.fstat(self._fd).st_ino
        self.end = BEGIN
        self.positions: list[int] = []
        self.targets: list[int] = []
        self.gauges: list[tuple[Key, int, Merge]] = []
        self._gather: Callable[[memoryview[float]], tuple[float, ...]] | None = None
        self._map: bytes | mmap.mmap = b""

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)

    def new_entries(self) -> Iterator[tuple[bytes, int]]:
        """Yield (key as bytes, index of its value) of the entries that were added since the last time.

        :raises DamagedError: when one is damaged.
        """
        used = self._used()
        while self.end < used:
            begin = self.end + 4
            length = int.from_bytes(self._map[self.end : begin], "little")
            value_at = begin + length + 8 - (length + 4) % 8
            if value_at + 16 > used:
                raise DamagedError(self.path, f"the key at {self.end} ends at {value_at} of {used} bytes")
            self.end = value_at + 16
            yield bytes(self._map[begin : begin + length]), value_at // 8

    def _used(self) -> int:
        """Map the file as it is now, and return how much of it is used: never more than is there.

        A cell past the end of a truncated file must not be touched: that ends the process with SIGBUS.
        """
        used = self._mapped_used()
        if used > len(self._map):
            # its writer reserved space and used it since its size was asked
            used = self._mapped_used()
        if not self._map:
            # its writer is about to reserve space
            return BEGIN
        if not self.end <= used <= len(self._map) or used % 8:
            raise DamagedError(self.path, f"it uses {used} of {len(self._map)} bytes, and {self.end} were read")
        return used

    def _mapped_used(self) -> int:
        size = os.fstat(self._fd).st_size
        if size < len(self._map):
            raise DamagedError(self.path, f"it has {size} bytes, and had {len(self._map)}")
        if size % 8 or 0 < size < BEGIN:
            raise DamagedError(self.path, f"it has {size} bytes")
        if size > len(self._map):
            self._map = mmap.mmap(self._fd, size, access=mmap.ACCESS_READ)
            self.view: memoryview[float] = memoryview(self._map).cast("d")
        return int.from_bytes(self._map[:4], "little") or BEGIN

    def add(self, position: int, target: int) -> None:
        """Read the value at ``position`` from now on, as a part of the sum ``target``."""
        self.positions.append(position)
        self.targets.append(target)
        self._gather = None

    def values(self) -> Sequence[float]:
        """Return the sequence of the values at ``positions``.

        :raises DamagedError: when one is not finite, which no writer writes.
        """
        if len(self.positions) < 2:
            values: Sequence[float] = [self.view[position] for position in self.positions]
        else:
            self._gather = self._gather or itemgetter(*self.positions)
            values = self._gather(self.view)
        if not math.isfinite(sum(values)):
            raise DamagedError(self.path, "a value is not finite")
        return values

    def content(self) -> bytes:
        """Return all bytes of the file as it is now."""
        return os.pread(self._fd, os.fstat(self._fd).st_size, 0)


def _is_later(stamp: float, other: float | None, now: float) -> bool:
    """Return whether ``stamp`` is later than ``other`` (or None).

    One that lies after ``now`` is from before a reboot.
    """
    return other is None or (stamp if stamp <= now else 0.0) > (other if other <= now else 0.0)


class Reader:
    """The files of one directory; threads may share it, processes may not.

    :param directory: path of the store's directory
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._stamp: int | None = None
        self._files: dict[str, _File] = {}
        self._declared = len(METRICS)
        self._reset()

    def refresh(self) -> None:
        """Map the files that are new in the directory, or exchanged; cheap when there are none.

        One that was deleted and has no successor is kept: its writer may still hold it. The store must notice that a
        directory was lost, and take :meth:`contents`, before it makes files of the same names.

        :raises OSError: when a file can't be opened.
        """
        with self._lock:
            self._refresh()

    def read(self, live_slots: Collection[int]) -> Sums:
        """Return the :class:`Sums` of all files.

        :param live_slots: the numbers of the slots that a live process holds: of the others, gauges that end with
            their process do not count
        :raises DamagedError: when a file is damaged; it is forgotten, and mapped again at the next call if it is
            still there
        :raises OSError: when a file can't be opened.
        """
        with self._lock:
            self._refresh()
            if self._declared != len(METRICS):
                # what was not in the catalogue before may be now
                self._declared = len(METRICS)
                self._reset()
            try:
                return self._read(live_slots)
            except DamagedError as damage:
                self._forget(damage.path.name)
                raise

    def contents(self) -> dict[str, bytes]:
        """Return {file name: bytes} of all files that are mapped, deleted ones too."""
        with self._lock:
            return {name: file.content() for name, file in self._files.items()}

    def slot_count(self) -> int:
        """Return how many slots have a file of values."""
        return sum(not file.live and file.slot is not None for file in self._files.values())

    # ------------------------------------------------------------------ files

    def _refresh(self) -> None:
        try:
            stamp = os.stat(self._directory).st_mtime_ns
        except FileNotFoundError:
            return
        if stamp == self._stamp:
            return
        for match in filter(None, map(_NAME.fullmatch, sorted(os.listdir(self._directory)))):
            name, (kind, slot) = match[0], match.groups()
            try:
                file = _File(self._directory / name, int(slot) if slot.isdecimal() else None, kind == "live")
            except FileNotFoundError:
                continue
            known = self._files.get(name)
            if known is None or known.inode != file.inode:
                if known is not None:
                    self._forget(name)
                self._files[name] = file
        self._stamp = stamp if is_settled(stamp) else None

    def _forget(self, name: str) -> None:
        """Let go of a file. Sums that only it contributed to are gone, so the keys are reset if it had any."""
        self._stamp = None
        if self._files.pop(name).targets:
            self._reset()

    def _reset(self) -> None:
        self._keys: list[Key] = []
        self._appeared: list[float] = []
        self._numbers: dict[Key, int] = {}
        self._generation = object()
        self._decoded: dict[bytes, tuple[Key, Metric | None]] = {}
        for file in self._files.values():
            file.end, file.positions, file.targets, file.gauges = BEGIN, [], [], []

    # ------------------------------------------------------------------ values

    def _read(self, live_slots: Collection[int]) -> Sums:
        gauges: dict[Key, float] = {}
        stamps: dict[Key, float] = {}
        parts: list[tuple[list[int], Sequence[float]]] = []
        now = clock.now()
        for file in self._files.values():
            if file.live and file.slot not in live_slots:
                continue
            for text, position in file.new_entries():
                self._place(file, text, position)
            for key, position, merge in file.gauges:
                # the time first: the value is written before it
                stamp, value = file.view[position + 1], file.view[position]
                if merge == "sum":
                    gauges[key] = gauges.get(key, 0.0) + value
                elif merge == "max":
                    gauges[key] = max(gauges.get(key, value), value)
                elif stamp and _is_later(stamp, stamps.get(key), now):
                    gauges[key], stamps[key] = value, stamp
            if file.positions:
                parts.append((file.targets, file.values()))
        sums = [0.0] * len(self._keys)
        for targets, values in parts:
            for target, value in zip(targets, values, strict=True):
                sums[target] += value
        return Sums(self._keys, sums, gauges, stamps, self._generation, self._appeared)

    def _place(self, file: _File, text: bytes, position: int) -> None:
        key, metric = self._decode(file, text)
        if metric is None:
            return
        if metric.kind == "gauge":
            file.gauges.append((key, position, metric.merge))
            return
        number, appeared = self._numbers.setdefault(key, len(self._keys)), max(-file.view[position + 1], 0.0)
        if number == len(self._keys):
            self._appeared.append(appeared)
            self._keys.append(key)
        else:
            self._appeared[number] = min(self._appeared[number], appeared)
        file.add(position, number)

    def _decode(self, file: _File, text: bytes) -> tuple[Key, Metric | None]:
        """Return the key that ``text`` (bytes) is, and its metric, or None if the catalogue has no such metric.

        Files have most keys in common, so each is decoded once.
        """
        known = self._decoded.get(text)
        if known is None:
            try:
                key = parse_key(text)
            except Exception as exception:
                raise DamagedError(file.path, f"the key {text[:200]!r} can't be read: {exception!r}") from exception
            metric = METRICS.get(key[0])
            known = self._decoded[text] = key, metric if metric and len(key[2]) == len(metric.labels) else None
        return known
