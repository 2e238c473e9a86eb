"""The directory of the store: made when it is first needed, and restored when it is lost, by one thread at a time."""

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .adoption import adopt
from .custom import PublishedReadings
from .errors import Errors, NothingMeasuredError
from .heartbeat import Heartbeat
from .holding import Holding, Opened, OwnSlot
from .labels import LabelValues
from .reader import Reader
from .settings import PublishedSettings
from .slots import SlotInfo
from .values import DamagedError, SlotValues

_RETRY_SECONDS = 1.0


class Directory:
    """This process's handle on the metrics directory, which :meth:`configure` sets.

    :param heartbeat: it runs while this process writes
    """

    def __init__(self, errors: Errors, heartbeat: Heartbeat) -> None:
        self._errors, self._heartbeat = errors, heartbeat
        self.generation = object()
        """It is replaced when what was read before is of no more use."""
        self._retry_at = 0.0
        self._failure: Exception = NothingMeasuredError()
        self._forget: list[Callable[[], None]] = []
        self.lock = threading.RLock()
        self.kind = "other"
        """What this process does: a value of the label ``kind`` of ``odoo_workers_active``."""
        # nothing is kept before the process says where
        self.configure(os.devnull)

    def configure(self, root: str | Path) -> None:
        """Keep the values in a directory under ``root`` that is made when it is first needed.

        The directory of a former build is taken over.
        """
        self.path = Path(root) / "store"
        self.settings = PublishedSettings(self.path / "databases", self._note_damaged)
        self.custom = PublishedReadings(self.path / "own", self._note_damaged_custom)
        with self.lock:
            self._heartbeat.stop()
            self._errors.configure(self.path)
            self._begin(Holding(self.path, self._errors))
            self._adopt()

    def when_closed(self, forget: Callable[[], None]) -> None:
        """Call ``forget()`` whenever the open files of this process no longer are those of the directory."""
        self._forget.append(forget)

    def _adopt(self) -> None:
        try:
            if any(self.path.parent.glob("*/slots")):
                with self._holding.locked():
                    adopt(self.path, self._note_damaged)
        except OSError as exception:
            self._errors.drop(exception)

    def _note_damaged_custom(self, path: Path, exception: Exception) -> None:
        self._errors.count("custom_metric", "%s can't be read: %s", path.name, exception)

    def _note_damaged(self, path: Path, exception: Exception) -> None:
        self._errors.count("damaged", "%s can't be read and is ignored: %s", path.name, exception)

    # ------------------------------------------------------------------ opening

    def open(self) -> Opened:
        """Return what a reading needs; to be called while :attr:`lock` is held.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when it can't be opened
        """
        if self._holding.opened is None:
            if not self.settings.exist():
                raise NothingMeasuredError(f"no database is measured under {self.path}")
            self._holding.open()
            self._note_published()
        return self._holding.open()

    def slot(self) -> OwnSlot:
        """Return what a writer needs; to be called while :attr:`lock` is held.

        After a failure, retries are suppressed for 1 s.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when it can't be opened
        """
        if self._holding.own is not None:
            return self._holding.own
        if time.monotonic() < self._retry_at:
            raise self._failure
        try:
            self.restore_if_lost()
            self.open()
            self._heartbeat.start()
            return self._holding.claim(self.kind)
        except (OSError, NothingMeasuredError) as exception:
            self._retry_at, self._failure = time.monotonic() + _RETRY_SECONDS, exception
            raise

    def open_values(self, path: Path) -> SlotValues:
        """Return the values of a file of this process's; a damaged one is set aside.

        :raises OSError: when it can't be opened, or the disk is full
        """
        return self._holding.open_values(path)

    def labels(self) -> LabelValues:
        """Return the values that labels have taken.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when they can't be opened
        """
        with self.lock:
            self.open()
            return self._holding.labels()

    def readable(self) -> tuple[set[int], Reader]:
        """Return (numbers of the live slots, reader), even if the disk is full or read-only.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when there is nothing to read
        """
        with self.lock:
            try:
                opened = self.open()
                return {info.slot for info in opened.slots.live()}, opened.reader
            except OSError as exception:
                self._errors.drop(exception)
                return self._holding.readable()

    def share(self, add: Callable[[SlotValues], None]) -> None:
        """Call ``add(values)`` with the shared values, to which one process at a time adds.

        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when they can't be opened, or the directory is lost
        """
        with self.lock:
            self.open()
            self._holding.share(add)

    def set_aside(self, damage: DamagedError) -> bool:
        """Rename a damaged file, whose values are lost; return whether that was possible."""
        try:
            with self.lock, self._holding.locked():
                self._holding.set_aside(damage)
        except OSError as exception:
            self._errors.drop(exception)
            return False
        return True

    def retry(self) -> None:
        """Try at once what failed within the last second."""
        self._retry_at = 0.0

    # ------------------------------------------------------------------ processes

    def set_kind(self, kind: str) -> None:
        """Note what this process does, for all processes to see; never raises."""
        self.kind = kind
        try:
            with self.lock:
                holding = self._holding
                if holding.opened is not None and holding.own is not None:
                    holding.opened.slots.describe(holding.own.number, kind)
        except OSError as exception:
            self._errors.drop(exception)

    def slot_number(self) -> int | None:
        """Return the number of this process's slot, or None if it has written nothing yet."""
        own = self._holding.own
        return None if own is None else own.number

    def slot_count(self) -> int:
        """Return how many slots were ever made."""
        with self.lock:
            return self._holding.opened.reader.slot_count() if self._holding.opened else 0

    def live_slots(self) -> list[SlotInfo]:
        """Return the live processes that hold a slot."""
        try:
            with self.lock:
                return self.open().slots.live()
        except (OSError, NothingMeasuredError) as exception:
            self._errors.drop(exception)
            return []

    def before_fork(self) -> None:
        """Acquire the lock, so that no thread is changing state during the fork."""
        self.lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Release the lock in the parent."""
        self.lock.release()

    def after_fork_in_child(self) -> None:
        """Drop the parent's slot: the child takes its own when it first writes."""
        self.lock = threading.RLock()
        self._begin(self._holding.forked())

    # ------------------------------------------------------------------ losing, restoring and closing

    def maintain(self) -> None:
        """Maintain the directory, once a second: restore it if lost, count failures, map files of other processes."""
        self.restore_if_lost()
        self._errors.flush(self.share)
        with self.lock:
            holding = self._holding
            if holding.opened is not None and holding.own is not None:
                holding.drain(holding.own)
                # keep their files mapped, so that values survive the processes and a loss of the directory
                holding.opened.reader.refresh()
                self._note_published()

    def is_lost(self) -> bool:
        """Return whether the directory, or a file of it, was deleted since it was opened."""
        return self._holding.is_lost()

    def restore_if_lost(self) -> bool:
        """Restore the directory if it is lost, unless it was deleted on purpose; return whether it was restored."""
        if not self._holding.is_lost():
            return False
        try:
            with self.lock:
                if not self._holding.is_lost():
                    return True
                if self._holding.open().slots.is_retired():
                    self._holding.close()
                    self._begin(Holding(self.path, self._errors))
                    return False
                self.settings.restore()
                self.custom.restore()
                first = self._holding.restore(self.kind)
                self._forget_cells()
        except BlockingIOError:
            # another process is at it
            return False
        except Exception as exception:
            self._errors.count("directory", "%s was deleted and can't be recreated: %r", self.path, exception)
            return False
        if first:
            self._errors.count("directory", "%s was deleted; it was restored from the files in use", self.path)
        return True

    def remove(self) -> None:
        """Delete all values: no database is measured any more. The heartbeat goes on, to notice when one is again."""
        with self.lock:
            with contextlib.suppress(OSError), self._holding.locked():
                if (self.path / "slots").exists():
                    self._holding.open().slots.retire()
                shutil.rmtree(self.path, ignore_errors=True)
            self._begin(Holding(self.path, self._errors))
        with contextlib.suppress(OSError):
            self.path.with_suffix(".lock").unlink(missing_ok=True)
            self.path.parent.rmdir()

    def _begin(self, holding: Holding) -> None:
        self._holding = holding
        self.generation = object()
        self._errors.cells = {}
        self._retry_at = 0.0
        self._forget_cells()

    def _forget_cells(self) -> None:
        for forget in self._forget:
            forget()

    def _note_published(self) -> None:
        """Read what databases publish, so that it can be published again if the directory is lost."""
        self.settings.databases()
        self.custom.databases()
