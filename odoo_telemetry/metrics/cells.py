"""A table of numbers of fixed size in shared memory, written by all workers without a lock."""

import contextlib
import mmap
import os
from pathlib import Path
from typing import Self

_CELL = 8


class Cells:
    """The cells of a file.

    :param path: the file; made, with its space reserved, if it is missing.
    :param number: how many cells it has; each holds an integer of 64 bits.
    :raises OSError: when the file can't be opened, or the disk is full.
    """

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, number * _CELL)
            self._inode = os.fstat(fd).st_ino
            self._cells: memoryview[int] = memoryview(mmap.mmap(fd, number * _CELL)).cast("Q")
        finally:
            os.close(fd)

    def advance(self, lost: Self) -> None:
        """Set each cell to the maximum of its value and that in ``lost``, the :class:`Cells` of a deleted file."""
        for place, (number, here) in enumerate(zip(lost._cells.tolist(), self._cells.tolist(), strict=True)):
            if number > here:
                self._cells[place] = number

    def lost(self) -> bool:
        """Return whether the file is no longer where it was opened."""
        with contextlib.suppress(OSError):
            return os.stat(self.path).st_ino != self._inode
        return True
