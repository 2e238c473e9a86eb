"""Worker slots: a small number that one live process holds, and that another takes over when it ends.

A slot is a record of the file ``slots`` that its holder keeps locked. The kernel drops a POSIX record lock when the
process ends, whatever ended it, and does not hand it to children at a fork; so a slot is free exactly when nobody
holds it, and its number can name a file of values that outlives its holder. The number of slots ever made is the
largest number of processes that ever ran at the same time.

A holder is known by its lock alone, and its pid is what the kernel says about the lock: a pid that was written down
may by now be another process's, or be of another PID namespace.
"""

import fcntl
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from . import clock

_HEADER = struct.Struct("=i16s12x")
_RECORD = struct.Struct("=d16s8x")
_RETIRED = 0x64656C
_FLOCK = struct.Struct("@hhqqi4x")
RESERVED_SECONDS = 30.0
"""How long a slot is reserved for its previous holder after the loss of the directory.

Each process checks for the loss once a second.
"""


class SlotInfo(NamedTuple):
    """One live holder: slot number, process id (0 if it is not visible here), kind of process ('http', 'cron', …)."""

    slot: int
    pid: int
    kind: str


def make(identity: bytes, reserved: Mapping[int, str]) -> bytes:
    """Return the content (bytes) of a file of slots.

    :param bytes identity: 16 bytes that identify the directory
    :param dict reserved: {slot: kind} of the slots that are reserved for their previous holders
    """
    content = bytearray(_HEADER.pack(0, identity))
    content += bytes(_RECORD.size * (max(reserved, default=-1) + 1))
    for slot, kind in reserved.items():
        _RECORD.pack_into(content, _place(slot), clock.now() + RESERVED_SECONDS, kind.encode()[:16])
    return bytes(content)


def _place(slot: int) -> int:
    return _HEADER.size + slot * _RECORD.size


class Slots:
    """The slots of one directory.

    :param path: the file that holds one record per slot; made if it is missing or empty.
    :param int flags: how it is opened, as for :func:`os.open`; to open it for reading only, it must exist.
    :raises OSError: when the file can't be opened or locked.

    The file must be opened once per process: closing any descriptor of it would drop the process's locks.
    """

    def __init__(self, path: Path, flags: int = os.O_RDWR | os.O_CREAT) -> None:
        self._fd = os.open(path, flags | os.O_CLOEXEC, 0o600)
        self.stat = os.fstat(self._fd)
        if self.stat.st_size == 0:
            os.pwrite(self._fd, make(os.urandom(16), {}), 0)
        self._own: int | None = None

    @property
    def identity(self) -> bytes:
        """What identifies the directory, and its restored copies (bytes)."""
        identity: bytes = _HEADER.unpack(os.pread(self._fd, _HEADER.size, 0).ljust(_HEADER.size, b"\0"))[1]
        return identity

    def retire(self) -> None:
        """Mark the directory as deleted on purpose, for all processes that have the file open."""
        os.pwrite(self._fd, _HEADER.pack(_RETIRED, self.identity), 0)

    def is_retired(self) -> bool:
        """Return whether the directory was deleted on purpose."""
        return os.pread(self._fd, _HEADER.size, 0)[:4] == _HEADER.pack(_RETIRED, b"")[:4]

    def claim(self, kind: str, wanted: int | None = None) -> int:
        """Take a slot for this process: the one it held before its directory was lost, or the lowest free one.

        :param str kind: what the process does; at most 16 bytes are kept.
        :param int wanted: the slot that it held
        :return: the slot's number
        """
        if wanted is not None and self._try_lock(wanted):
            slot = wanted
        else:
            slot = 0
            while self._is_reserved(slot) or not self._try_lock(slot):
                slot += 1
        self._own = slot
        self.describe(slot, kind)
        return slot

    def describe(self, slot: int, kind: str) -> None:
        """Write what the holder of ``slot`` does."""
        os.pwrite(self._fd, _RECORD.pack(0.0, kind.encode()[:16]), _place(slot))

    def reserve(self, slot: int, kind: str) -> None:
        """Reserve ``slot``, if it is free, for its previous holder, a process of the kind ``kind``."""
        if self._holder(slot) is None:
            os.pwrite(self._fd, _RECORD.pack(clock.now() + RESERVED_SECONDS, kind.encode()[:16]), _place(slot))

    def live(self) -> list[SlotInfo]:
        """Return a list of :class:`SlotInfo`, one for each slot whose holder is alive."""
        found = []
        for slot in range((os.fstat(self._fd).st_size - _HEADER.size) // _RECORD.size):
            pid = self._holder(slot)
            if pid is not None:
                found.append(SlotInfo(slot, pid, self._read(slot)[1]))
        return found

    def is_held(self, slot: int) -> bool:
        """Return whether a live process holds ``slot`` (int)."""
        return self._holder(slot) is not None

    def forked(self) -> None:
        """Record that this process is a child of the one that opened the file: it holds no slot."""
        self._own = None

    def close(self) -> None:
        """Give back what this process holds."""
        os.close(self._fd)

    def _read(self, slot: int) -> tuple[float, str]:
        """Return (until when the slot is reserved, kind)."""
        record = os.pread(self._fd, _RECORD.size, _place(slot)).ljust(_RECORD.size, b"\0")
        until, kind = _RECORD.unpack(record)
        return until, kind.rstrip(b"\0").decode(errors="replace")

    def _is_reserved(self, slot: int) -> bool:
        # a reservation from before a reboot lies too far ahead
        return 0 < self._read(slot)[0] - clock.now() <= RESERVED_SECONDS

    def _try_lock(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(slot))
        except BlockingIOError:
            return False
        return True

    def _holder(self, slot: int) -> int | None:
        """Return the pid of the holder of ``slot``, 0 if it is not visible here, or None if there is no holder."""
        if slot == self._own:
            # the kernel does not tell a process of its own lock
            return os.getpid()
        question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _place(slot), 1, 0)
        kind, _whence, _start, _length, pid = _FLOCK.unpack(fcntl.fcntl(self._fd, fcntl.F_GETLK, question))
        return None if kind == fcntl.F_UNLCK else max(pid, 0)


def is_used(path: Path) -> bool:
    """Return whether another process holds a slot of the file ``path``, whatever its records look like.

    This process must not hold a slot of the file: it would lose that slot.
    """
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        return bool(_FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, question))[0] != fcntl.F_UNLCK)
    finally:
        os.close(fd)
