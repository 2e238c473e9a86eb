"""When each user was last seen: a small table in shared memory, written by all workers, read without SQL.

A user's index is the user id modulo the size of the table, so that ids below it never collide. A second table with the
latest time of each block lets the reader skip inactive blocks.
"""

import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .cells import Cells

PLACES = 1 << 16
BLOCK = 1 << 8
_ROLE_BITS = 31


class Presence(Cells):
    """The users of one database.

    :param path: the table's file; made, with its space reserved, if it is missing.
    :param roles: the roles (iterable of str); more may be added to it
    :raises OSError: when the file can't be opened, or the disk is full.
    """

    def __init__(self, path: Path, roles: Iterable[str]) -> None:
        super().__init__(path, PLACES + PLACES // BLOCK)
        self._roles = roles

    def touch(self, uid: int, role: str, now: int) -> None:
        """Record that the user ``uid`` (int) with ``role`` (str) was seen.

        :param int now: seconds of :func:`.clock.now`
        """
        place = uid % PLACES
        self._cells[place] = now << _ROLE_BITS | _code(role)
        self._cells[PLACES + place // BLOCK] = now

    def count(self, since: int, now: int) -> dict[str, int]:
        """Return {role: number of users seen from ``since`` to ``now`` (int, seconds of :func:`.clock.now`)}.

        All roles are there. A time after ``now`` is from before a reboot.
        """
        counts: Counter[int] = Counter()
        oldest, newest = since << _ROLE_BITS, now + 1 << _ROLE_BITS
        for block, seen in enumerate(self._cells[PLACES:].tolist()):
            if seen >= since:
                for cell in self._cells[block * BLOCK : (block + 1) * BLOCK].tolist():
                    if oldest <= cell < newest:
                        counts[cell & (1 << _ROLE_BITS) - 1] += 1
        return {role: counts[_code(role)] for role in self._roles}


def _code(role: str) -> int:
    """Return what stands for a role (str) in all processes: they may know the roles in different orders."""
    return zlib.crc32(role.encode()) >> 1
