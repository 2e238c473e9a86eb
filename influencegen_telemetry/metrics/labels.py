"""Bounds of labels: which values a label may take, agreed between all workers.

A value that was once let in stays, so that its series never goes back into ``other``; the list is a file that workers
append to under a lock, so that all of them agree whichever saw a value first.
"""

import fcntl
import json
import os
import threading

OTHER = "other"


class LabelValues:
    """The values let in so far, by database and label.

    :param path: the file that holds them, one JSON list (database, label, value) a line; created if it is missing.
    :raises OSError: when it can't be opened.
    """

    def __init__(self, path):
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._read_to = 0
        self._values = {}
        self._lock = threading.Lock()

    def admit(self, database, label, value, limit):
        """Return ``value`` (str) if the label has it already or has room for it below ``limit``, else ``other``."""
        known = self._values.setdefault((database, label), set())
        if value in known:
            return value
        if len(known) >= limit:
            return OTHER
        with self._lock:
            fcntl.lockf(self._fd, fcntl.LOCK_EX)
            try:
                self._catch_up()
                if value not in known:
                    if len(known) >= limit:
                        return OTHER
                    os.write(self._fd, (json.dumps([database, label, value]) + "\n").encode())
                    self._catch_up()
            finally:
                fcntl.lockf(self._fd, fcntl.LOCK_UN)
        return value

    def count(self):
        """Return {(database, label): number of values let in}."""
        with self._lock:
            self._catch_up()
        return {key: len(values) for key, values in self._values.items()}

    def _catch_up(self):
        data = os.pread(self._fd, os.fstat(self._fd).st_size - self._read_to, self._read_to)
        lines = data[: data.rfind(b"\n") + 1]
        self._read_to += len(lines)
        for line in lines.splitlines():
            database, label, value = json.loads(line)
            self._values.setdefault((database, label), set()).add(value)
