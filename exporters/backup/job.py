"""One job: a backup made, verified, given its name, and the oldest ones deleted.

An archive is a folder `<backup>-<time>`. While it is made, and while it is deleted, its name begins with a dot:
what has no dot is complete and was verified.
"""

import fcntl
import logging
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg2
import requests

from exporters.backup import commands, files
from exporters.backup.configuration import Backup
from exporters.backup.errors import BackupError
from exporters.backup.history import JobHistory, Result

log = logging.getLogger(__name__)

# Expected failures of a job, which are logged without a traceback.
EXPECTED = (BackupError, OSError, psycopg2.Error, requests.RequestException, subprocess.SubprocessError)


class BackupRunningError(Exception):
    """Another process makes that backup now."""


def run(backup: Backup, folder: Path, history: JobHistory) -> bool:
    """Make a backup now, and return whether it is good.

    Raise BackupRunningError if another process is making it, and BackupError if its record is damaged. Every other
    failure is logged and recorded as a failed job. So is an earlier job that was killed.
    """
    started = time.time()
    try:
        with _locked(backup, folder):
            _record_killed(backup, history)
            history.write(backup.name, history.read(backup.name).begun(started))
            try:
                made = _attempt(backup, folder)
            finally:
                scratch = _clear(backup)
            record, now = history.read(backup.name), time.time()
            history.write(backup.name, record.succeeded(now, made, scratch) if made else record.failed(now, scratch))
            return made is not None
    except OSError as error:
        log.error("%s: the backup failed: %s", backup.name, error)
        history.write(backup.name, history.read(backup.name).begun(started).failed(time.time()))
        return False


def record_killed(backup: Backup, folder: Path, history: JobHistory) -> None:
    """Record a job that was killed as failed, unless it runs in another process."""
    if history.read(backup.name).running:
        try:
            with _locked(backup, folder):
                _record_killed(backup, history)
        except BackupRunningError as busy:
            log.info(busy)


def _record_killed(backup: Backup, history: JobHistory) -> None:
    record = history.read(backup.name)
    if record.running:
        log.error("%s: the backup failed: the job that began at %s never ended", backup.name, _time(record.began))
        history.write(backup.name, record.failed(time.time()))


def _attempt(backup: Backup, folder: Path) -> Result | None:
    """Return what was made, or None if the job failed."""
    try:
        return _make(backup, folder)
    except Exception as error:
        said = " ".join(str(error).split())
        log.error("%s: the backup failed: %s", backup.name, said, exc_info=not isinstance(error, EXPECTED))
        return None


def _clear(backup: Backup) -> int | None:
    """Return how many scratch databases can't be dropped; None if unknown, or if no database is restored."""
    try:
        left = backup.source.clear()
    except psycopg2.Error:
        # the next job tries again
        return None
    for error in left or ():
        log.warning("%s: a scratch database can't be dropped: %s", backup.name, error)
    return None if left is None else len(left)


def _make(backup: Backup, folder: Path) -> Result:
    """Make the archive, and delete those that are too old."""
    for leftover in folder.glob(f".{backup.name}-*"):
        shutil.rmtree(leftover)
    started = time.time()
    archive = folder / f"{backup.name}-{_time(started)}"
    unfinished = archive.with_name(f".{archive.name}")
    unfinished.mkdir()
    try:
        elsewhere = backup.source.make(unfinished)
        commands.run("sync", "--file-system", unfinished)
        unfinished.rename(archive)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    size = files.size(archive)
    log.info("%s: %s is good, %d bytes, %.1f s", backup.name, archive, size, time.time() - started)
    for old in sorted(folder.glob(f"{backup.name}-*"))[: -backup.keep]:
        shutil.rmtree(old.rename(old.with_name(f".{old.name}")))
    return Result(size, *(elsewhere or (None, None)))


@contextmanager
def _locked(backup: Backup, folder: Path) -> Iterator[None]:
    """Let one process at a time make a backup; the lock is released at the latest when its process ends."""
    with open(folder / f"{backup.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupRunningError(f"{backup.name} is being backed up by another process: wait for it.") from error
        yield


def _time(seconds: float) -> str:
    """Return a time in the form that archives are named with; names sort as their times do."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
