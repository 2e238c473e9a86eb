"""Rate limits by sender and minute, for all workers together: a small table in shared memory.

A sender's index is a hash of its name. Two senders with the same index share a limit, which is rare in a table of this
size. Concurrent updates may be lost: the limit bounds the cost and is not exact.
"""

import zlib
from pathlib import Path

from .cells import Cells

TABLE_SIZE = 1 << 14
_MINUTE = 60
_USED_BITS = 32


class RateLimits(Cells):
    """The rate limits of the senders of all databases of an instance.

    :param path: the table's file; made, with its space reserved, if it is missing.
    :raises OSError: when the file can't be opened, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, TABLE_SIZE)

    def take(self, sender: str, amount: int, most: int, now: int) -> bool:
        """Return whether ``sender`` (str) may send ``amount`` more (int), and if so add it to what was sent.

        :param int most: what it may send in a minute
        :param int now: seconds of :func:`.clock.now`
        """
        place, minute = zlib.crc32(sender.encode()) % TABLE_SIZE, now // _MINUTE
        cell = self._cells[place]
        used = amount + (cell & (1 << _USED_BITS) - 1 if cell >> _USED_BITS == minute else 0)
        if used > most:
            return False
        self._cells[place] = minute << _USED_BITS | used
        return True
