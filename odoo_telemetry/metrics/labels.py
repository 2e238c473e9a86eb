"""Bounds of labels: which values a label may take, agreed between all workers.

An admitted value stays admitted when the limit is lowered, so that its series is never merged into ``other``. The list
is a file that workers append to under a lock, so that all of them agree, whichever saw a value first.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterable, Set
from pathlib import Path

OTHER = "other"
_UNLIMITED = 1 << 30


class LabelValues:
    """The values let in so far, by database and label.

    :param path: the file that holds them, one JSON list (database, label, value) a line; created if it is missing.
    :param damaged: function of (number of lines) that is called when lines of the file can't be read
    :raises OSError: when it can't be opened.
    """

    def __init__(self, path: Path, damaged: Callable[[int], None]) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.stat = os.fstat(self._fd)
        self._damaged = damaged
        self._read_to = 0
        self._values: dict[tuple[str | None, str], set[str]] = {}
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)

    def admit(self, database: str | None, label: str, value: str, limit: int) -> str:
        """Return ``value`` (str) if the label has it already or has fewer than ``limit`` values, else ``other``.

        :raises OSError: when it can't be written down
        """
        return value if self.admit_all(database, label, (value,), limit) else OTHER

    def admit_all(self, database: str | None, label: str, values: Iterable[str], limit: int) -> bool:
        """Let in those of ``values`` (iterable of str, the most important ones first) that are within the limit.

        :return: whether the label has them all
        :raises OSError: when they can't be written down
        """
        known = self._values.setdefault((database, label), set())
        missing = [value for value in dict.fromkeys(values) if value not in known]
        if missing and len(known) < limit:
            with self._lock:
                fcntl.flock(self._fd, fcntl.LOCK_EX)
                try:
                    self._catch_up()
                    missing = [value for value in missing if value not in known]
                    self._append([(database, label, value) for value in missing[: max(limit - len(known), 0)]])
                finally:
                    fcntl.flock(self._fd, fcntl.LOCK_UN)
        return known.issuperset(missing)

    def known(self, database: str | None, label: str) -> Set[str]:
        """Return the set of the values of a label that were let in, as this process knows them."""
        with self._lock:
            self._catch_up()
        return self._values.get((database, label), frozenset())

    def count(self) -> dict[tuple[str | None, str], int]:
        """Return {(database, label): number of values let in}."""
        with self._lock:
            self._catch_up()
        return {key: len(values) for key, values in self._values.items() if values}

    def restore(self, lost: "LabelValues") -> None:
        """Let in all values that the :class:`LabelValues` ``lost`` let in.

        :raises OSError: when they can't be written down
        """
        with lost._lock:
            lost._catch_up()
        for (database, label), values in lost._values.items():
            self.admit_all(database, label, sorted(values), _UNLIMITED)

    def _append(self, entries: list[tuple[str | None, str, str]]) -> None:
        if not entries:
            return
        lines = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
        if self._read_to < os.fstat(self._fd).st_size:
            # half a line, of a writer that ended or found no space
            lines = b"\n" + lines
        written = os.write(self._fd, lines)
        self._catch_up()
        if written < len(lines):
            raise OSError(28, f"{written} of {len(lines)} bytes of label values were written")

    def _catch_up(self) -> None:
        size = os.fstat(self._fd).st_size
        if size < self._read_to:
            # was truncated: what was let in stays
            self._read_to = 0
        data = os.pread(self._fd, size - self._read_to, self._read_to)
        lines = data[: data.rfind(b"\n") + 1]
        self._read_to += len(lines)
        damaged = 0
        for line in filter(None, lines.split(b"\n")):
            try:
                database, label, value = json.loads(line)
                self._values.setdefault((database, label), set()).add(value)
            except (ValueError, TypeError):
                damaged += 1
        if damaged:
            self._damaged(damaged)
