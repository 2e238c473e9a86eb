"""The values of one slot: prometheus_client's memory-mapped file, with its space reserved and its cells addressable.

The file format is that of ``prometheus_client.mmap_dict.MmapedDict``. Two things are added: space is reserved before
it is used, because a write to a hole of a full disk would end the process with SIGBUS; and a value is handed out as a
cell of a memory view, because adding to a cell is several times faster than packing a pair of doubles.
"""

import json
import mmap
import os
import threading

from prometheus_client.mmap_dict import MmapedDict

CAPACITY = 1 << 16


class SlotValues(MmapedDict):
    """Values that this process writes.

    :param path: file to open; created with reserved space if it is missing.
    :raises OSError: when it can't be opened, or the disk is full.
    :raises RuntimeError: when its content is damaged.
    """

    def __init__(self, path):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_size == 0:
                os.posix_fallocate(fd, 0, CAPACITY)
        finally:
            os.close(fd)
        super().__init__(path)
        self._view = memoryview(self._m).cast("d")

    def cell(self, key):
        """Return (view, index): ``view[index]`` is the value of ``key`` and ``view[index + 1]`` its time, both doubles.

        :raises OSError: when the disk is full; nothing has changed then.
        """
        if key not in self._positions:
            self._reserve(len(key.encode()) + 32)
            self._init_value(key)
        return self._view, self._positions[key] // 8

    def _reserve(self, size):
        capacity = self._capacity
        while self._used + size > capacity:
            capacity *= 2
        if capacity > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, capacity)
            self._m = mmap.mmap(self._f.fileno(), capacity)
            self._view = memoryview(self._m).cast("d")
            self._capacity = capacity


class SlotReader:
    """Values that another process may be writing; its readers are threads of this one.

    Keys are only ever appended to a file, so each key is decoded once, and a later read costs one load per value.
    """

    def __init__(self, path):
        self._path = path
        self._lock = threading.Lock()
        self._inode = None
        self._keys = []

    def read(self):
        """Yield (key, value, time) for all values of the file; nothing when it is missing.

        :return: key is the tuple that :func:`make_key` was given; value and time are floats.
        :raises RuntimeError: when the file's content is damaged.
        """
        with self._lock:
            keys = self._decode()
            view = self._view if keys else None
        for key, index in keys:
            yield key, view[index], view[index + 1]

    def _decode(self):
        """Return [(key, index of its value)] of all keys, after decoding those that are new."""
        if not self._map():
            return []
        used = int.from_bytes(self._m[:4], "little")
        if used > len(self._m):
            # it may have grown since it was mapped
            self._map()
        if used > len(self._m):
            raise RuntimeError(f"{self._path} says that it uses {used} bytes of {len(self._m)}: it is damaged")
        while self._end < used:
            length = int.from_bytes(self._m[self._end : self._end + 4], "little")
            start = self._end + 4
            value_at = start + length + 8 - (length + 4) % 8
            self._keys.append((parse_key(self._m[start : start + length]), value_at // 8))
            self._end = value_at + 16
        return self._keys.copy()

    def _map(self):
        """Map the file as it is now, and say whether there is one; its holder may exchange it at any moment."""
        try:
            if self._is_mapped(os.stat(self._path)):
                return True
            with open(self._path, "rb") as file:
                stat = os.fstat(file.fileno())
                if stat.st_size < 8:
                    return False
                self._m = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            return False
        self._view = memoryview(self._m).cast("d")
        if stat.st_ino != self._inode:
            self._keys, self._end = [], 8
            self._inode = stat.st_ino
        return True

    def _is_mapped(self, stat):
        return stat.st_ino == self._inode and stat.st_size == len(self._m)


def make_key(metric, database, labels, sample=""):
    """Return the text under which a value is kept: JSON of (metric, database or None, label values, sample).

    ``sample`` tells the parts of a histogram apart: 'sum', or a bucket's upper bound.
    """
    return json.dumps([metric, database, labels, sample])


def parse_key(key):
    """Return (metric, database, label values as a tuple, sample) of a text that :func:`make_key` made."""
    metric, database, labels, sample = json.loads(key)
    return metric, database, tuple(labels), sample
