"""The clock: makes each backup when it is due, one after the other.

A loop, and no scheduler from a library: what is due follows from the records alone, so it survives a restart.
"""

import logging
import time
from collections.abc import Collection
from pathlib import Path

from exporters.backup import job
from exporters.backup.configuration import Backup
from exporters.backup.history import JobHistory, Record

log = logging.getLogger(__name__)

PERIOD_SECONDS = 1


def due(backup: Backup, record: Record, now: float) -> bool:
    """Say whether a backup is due.

    It is if no job has begun, if the last one began long enough ago, or if its start is in the future because the clock
    was set back.
    """
    return not 0 <= now - record.began < backup.every_seconds


def run(backups: Collection[Backup], folder: Path, history: JobHistory) -> None:
    """Make all backups when they are due, for ever."""
    for backup in backups:
        job.record_killed(backup, folder, history)
    while True:
        for backup in backups:
            if due(backup, history.read(backup.name), time.time()):
                try:
                    job.run(backup, folder, history)
                except job.BackupRunningError as busy:
                    log.info(busy)
        time.sleep(PERIOD_SECONDS)
