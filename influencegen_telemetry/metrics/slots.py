"""Worker slots: a small number that one live process holds, and that another takes over when it ends.

A slot is a byte of the file ``slots`` that its holder keeps locked. The kernel drops a POSIX record lock when the
process ends, whatever ended it, and does not hand it to children at a fork; so a slot is free exactly when nobody
holds it, and its number can name a file of values that outlives its holder. The number of slots ever made is the
largest number of processes that ever ran at the same time.
"""

import fcntl
import os
import struct
import time
from typing import NamedTuple

_RECORD = struct.Struct("@iid16s")
_FLOCK = struct.Struct("@hhqqi4x")


class SlotInfo(NamedTuple):
    """One live holder: slot number, process id, start time (Unix seconds), kind of process ('http', 'cron', …)."""

    slot: int
    pid: int
    started: float
    kind: str


class Slots:
    """The slots of one directory.

    :param path: the file that holds one record per slot; created if it is missing.
    :raises OSError: when the file can't be opened or locked.

    The file must be opened once per process: closing any descriptor of it would drop the process's locks.
    """

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.inode = os.fstat(self._fd).st_ino

    def claim(self, kind):
        """Take the lowest free slot for this process.

        :param str kind: what the process does; at most 16 bytes are kept.
        :return: the slot's number
        """
        slot = 0
        while not self._try_lock(slot):
            slot += 1
        self.describe(slot, kind)
        return slot

    def describe(self, slot, kind):
        """Write who holds ``slot``: this process, now, as ``kind``."""
        record = _RECORD.pack(1, os.getpid(), time.time(), kind.encode()[:16])
        os.pwrite(self._fd, record, slot * _RECORD.size)

    def live(self):
        """Return a list of :class:`SlotInfo`, one for each slot whose holder is alive."""
        found = []
        for slot in range(os.fstat(self._fd).st_size // _RECORD.size):
            record = self._read(slot)
            if record and (record.pid == os.getpid() or self._locked(slot)):
                found.append(record)
        return found

    def close(self):
        """Give back what this process holds."""
        os.close(self._fd)

    def _read(self, slot):
        record = os.pread(self._fd, _RECORD.size, slot * _RECORD.size)
        if len(record) < _RECORD.size:
            return None
        used, pid, started, kind = _RECORD.unpack(record)
        return SlotInfo(slot, pid, started, kind.rstrip(b"\0").decode(errors="replace")) if used else None

    def _try_lock(self, slot):
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot * _RECORD.size)
        except BlockingIOError:
            return False
        return True

    def _locked(self, slot):
        question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, slot * _RECORD.size, 1, 0)
        answer = fcntl.fcntl(self._fd, fcntl.F_GETLK, question)
        return _FLOCK.unpack(answer)[0] != fcntl.F_UNLCK
