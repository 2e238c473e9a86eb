"""What is known of past jobs: a small file for each backup, written after each job and when one begins."""

import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from exporters.backup.errors import Failed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """The jobs of one backup so far.

    `total` counts jobs that ended, `success` those with a verified backup. Times are in seconds since 1970.
    `began` is when the last job did, and `running` whether its end is still to be recorded; `duration` is how long the
    last job took, in seconds, and `size` and `last_success` are the bytes and the end of the last good one.
    """

    total: int = 0
    success: int = 0
    began: float = 0.0
    running: bool = False
    duration: float | None = None
    size: int | None = None
    last_success: float = 0.0

    def begun(self, now: float) -> "Record":
        """Return the record once a job has begun."""
        return replace(self, began=now, running=True)

    def ended(self, now: float, size: int | None = None) -> "Record":
        """Return the record once the job that runs has ended: well with a backup of `size` bytes, badly without."""
        ended = replace(self, total=self.total + 1, running=False, duration=now - self.began)
        if size is None:
            return ended
        return replace(ended, success=self.success + 1, size=size, last_success=now)


class Ledger:
    """The records by the names of their backups, as files in a folder.

    What can't be written, because the disk is full, is remembered, and written with the next record of that backup.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._unwritten: dict[str, Record] = {}

    def read(self, name: str) -> Record:
        """Return the record of a backup: an empty one if it never ran. Failed if its file is damaged."""
        if name in self._unwritten:
            return self._unwritten[name]
        path = self._path(name)
        try:
            return Record(**json.loads(path.read_text()))
        except FileNotFoundError:
            return Record()
        except (ValueError, TypeError) as error:
            raise Failed(f"{path} is damaged ({error}): delete it, and counting begins again") from error

    def write(self, name: str, record: Record) -> None:
        """Replace the record of a backup."""
        self._unwritten[name] = record
        path = self._path(name)
        unfinished = path.with_suffix(".unfinished")
        try:
            with unfinished.open("w") as file:
                json.dump(asdict(record), file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except OSError as error:
            log.error("%s: the record of its jobs can't be written: %s", name, error)
        else:
            del self._unwritten[name]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
