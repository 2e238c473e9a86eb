"""The history of jobs: a small file for each backup, written when a job begins and after it."""

import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from exporters.backup.errors import BackupError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A good backup: its bytes and, if it has attachments, how many are in other stores, and in stores not listed."""

    size: int
    elsewhere: int | None
    unlisted: int | None


@dataclass(frozen=True)
class Record:
    """The jobs of one backup so far.

    `total` counts jobs that ended, `success` those with a verified backup. Times are in seconds since 1970.
    `began` is when the last job began, and `running` whether its end is still to be recorded; `duration` is how long
    the last job took, in seconds. `size`, `last_success`, `elsewhere` and `unlisted` are about the last good backup:
    its bytes, when it ended, how many of its attachments are in other stores, and how many of these are in stores that
    are not listed. `scratch` is the number of scratch databases that can't be dropped.
    """

    total: int = 0
    success: int = 0
    began: float = 0.0
    running: bool = False
    duration: float | None = None
    size: int | None = None
    last_success: float = 0.0
    elsewhere: int | None = None
    unlisted: int | None = None
    scratch: int | None = None

    def begun(self, now: float) -> "Record":
        """Return the record once a job has begun."""
        return replace(self, began=now, running=True)

    def failed(self, now: float, scratch: int | None = None) -> "Record":
        """Return the record once the running job has failed; scratch: the scratch databases that it left, if known."""
        scratch = self.scratch if scratch is None else scratch
        return replace(self, total=self.total + 1, running=False, duration=now - self.began, scratch=scratch)

    def succeeded(self, now: float, made: "Result", scratch: int | None) -> "Record":
        """Return the record once the job that runs has ended well."""
        ended = self.failed(now, scratch)
        return replace(ended, success=self.success + 1, last_success=now, **asdict(made))


class JobHistory:
    """The records by the names of their backups, as files in a folder.

    What can't be written, as when the disk is full, is remembered, and written with the next record of that backup.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._unwritten: dict[str, Record] = {}

    def read(self, name: str) -> Record:
        """Return the record of a backup: an empty one if it never ran. BackupError if its file is damaged."""
        if name in self._unwritten:
            return self._unwritten[name]
        path = self._path(name)
        try:
            return Record(**json.loads(path.read_text()))
        except FileNotFoundError:
            return Record()
        except (ValueError, TypeError) as error:
            raise BackupError(f"{path} is damaged ({error}): delete it, and counting restarts") from error

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
