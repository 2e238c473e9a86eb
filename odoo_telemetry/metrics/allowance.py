"""What each sender may still send within the present minute: a small table in shared memory, for all workers as one.

A sender's place follows from its name; two that share one share their allowance, which at so many places is rare.
Workers that add at the same moment can lose a part of it: an allowance is a bound of cost, no account.
"""

import zlib
from pathlib import Path

from .cells import Cells

PLACES = 1 << 14
_MINUTE = 60
_USED_BITS = 32


class Allowance(Cells):
    """The senders of all databases of an instance.

    :param path: the table's file; made, with its space reserved, if it is missing.
    :raises OSError: when the file can't be opened, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, PLACES)

    def take(self, sender: str, amount: int, most: int, now: int) -> bool:
        """Return whether ``sender`` (str) may send ``amount`` more (int), and if so note it.

        :param int most: what it may send in a minute
        :param int now: seconds of :func:`.clock.now`
        """
        place, minute = zlib.crc32(sender.encode()) % PLACES, now // _MINUTE
        cell = self._cells[place]
        used = amount + (cell & (1 << _USED_BITS) - 1 if cell >> _USED_BITS == minute else 0)
        if used > most:
            return False
        self._cells[place] = minute << _USED_BITS | used
        return True
