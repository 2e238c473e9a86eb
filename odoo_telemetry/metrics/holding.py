"""The open files of the metrics directory, and their recovery after the directory is deleted.

The directory ``store`` holds ``slots`` (which processes are alive; written last, so a directory that has it is
complete), ``values-<slot>.db`` (what outlives the process), ``live-<slot>.db`` (what ends with it),
``exemplars-<slot>.db`` (``exemplars.py``), ``values-shared.db`` (to which one process at a time adds), ``labels`` and
what databases publish. Beside it is its lock.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import files
from .errors import Errors, reserve
from .labels import LabelValues
from .reader import Reader
from .recovery import SHARED, Lost, advance, restore
from .slots import Slots
from .values import DamagedError, SlotValues

_DRAIN_SECONDS = 10.0
"""How long a thread that was about to write to a lost file is waited for; it needs microseconds."""


class Opened(NamedTuple):
    """What a reading needs."""

    slots: Slots
    reader: Reader


class OwnSlot(NamedTuple):
    """What a writer needs: its slot, and the files of what outlives the process and of what ends with it."""

    number: int
    values: SlotValues
    live: SlotValues


class Holding:
    """The files of ``directory`` that this process has open. Its caller lets one thread in at a time."""

    def __init__(self, directory: Path, errors: Errors) -> None:
        self.directory = directory
        self._errors = errors
        self._lock_path = directory.with_suffix(".lock")
        self.opened: Opened | None = None
        self.own: OwnSlot | None = None
        self._labels: LabelValues | None = None
        self._shared: SlotValues | None = None
        self._draining: list[tuple[SlotValues, dict[bytes, float], float]] = []

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Return a context manager that keeps other processes from making, restoring or sharing files meanwhile."""
        return files.locked(self._lock_path)

    # ------------------------------------------------------------------ opening

    def open(self) -> Opened:
        """Open what a reading needs.

        :raises OSError: when it can't be opened, or the disk is full.
        """
        if self.opened is None:
            with self.locked():
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._share()
                slots = Slots(self.directory / "slots")
            reader = Reader(self.directory)
            self.opened = Opened(slots, reader)
            reader.refresh()
        return self.opened

    def readable(self) -> tuple[set[int], Reader]:
        """Return (numbers of the live slots, reader) of a directory that this process can't write to.

        :raises OSError: when there is nothing to read.
        """
        slots = Slots(self.directory / "slots", os.O_RDONLY)
        try:
            reader = Reader(self.directory)
            reader.refresh()
            return {info.slot for info in slots.live()}, reader
        finally:
            slots.close()

    def labels(self) -> LabelValues:
        """Return the values that labels have taken.

        :raises OSError: when they can't be opened.
        """
        if self._labels is None:
            self._labels = LabelValues(self.directory / "labels", self._note_damaged_labels)
        return self._labels

    def claim(self, kind: str) -> OwnSlot:
        """Open what a writer needs: a slot of its own, which says that this process does ``kind``.

        :raises OSError: when it can't be opened, the disk is full, or the directory is lost.
        """
        opened = self.open()
        with self.locked():
            self._refuse_lost()
            slot = opened.slots.claim(kind)
            live = self._fresh_live(slot)
            values = self.open_values(self.directory / f"values-{slot}.db")
            error_cells = reserve(values)
        self.own, self._errors.cells = OwnSlot(slot, values, live), error_cells
        return self.own

    def _fresh_live(self, slot: int) -> SlotValues:
        path = self.directory / f"live-{slot}.db"
        path.unlink(missing_ok=True)
        return SlotValues(path)

    def open_values(self, path: Path) -> SlotValues:
        """Return the values of ``path``; a damaged file is set aside.

        :raises OSError: when it can't be opened, or the disk is full.
        """
        try:
            return SlotValues(path)
        except DamagedError as damage:
            self.set_aside(damage)
            return SlotValues(path)

    def set_aside(self, damage: DamagedError) -> None:
        """Rename the damaged file: its values are lost, and no others."""
        self._errors.count("damaged", "%s; the file was renamed, its values are lost", damage)
        damage.path.replace(damage.path.with_suffix(".damaged"))

    def _note_damaged_labels(self, number: int) -> None:
        self._errors.count("damaged", "%d lines of the file 'labels' can't be read and are ignored", number)

    # ------------------------------------------------------------------ sharing

    def share(self, add: Callable[[SlotValues], None]) -> None:
        """Call ``add(values)`` with the shared values, to which one process at a time adds.

        :raises OSError: when they can't be opened, or the directory is lost.
        """
        self.open()
        with self.locked():
            self._refuse_lost()
            add(self._share())

    def _refuse_lost(self) -> None:
        """Raise OSError if another process may have made the directory again: this one's slot is no longer its own."""
        if self.is_lost():
            raise FileNotFoundError(f"{self.directory} was deleted")

    def _share(self) -> SlotValues:
        if self._shared is None or not files.is_at(self._shared.path, self._shared.stat):
            values = self.open_values(self.directory / f"values-{SHARED}.db")
            reserve(values)
            self._shared = values
        return self._shared

    # ------------------------------------------------------------------ losing and restoring

    def is_lost(self) -> bool:
        """Return whether the directory, or a file of it, was deleted since it was opened."""
        if self.opened is None:
            return False
        if not files.is_at(self.directory / "slots", self.opened.slots.stat):
            return True
        own = (self.own.values, self.own.live) if self.own else ()
        return any(file is not None and not files.is_at(file.path, file.stat) for file in (*own, self._labels))

    def restore(self, kind: str) -> bool:
        """Write the lost files again, and use them. Nothing has changed if that fails.

        :return: whether this process was the first to notice
        :raises OSError: when it can't be written.
        """
        opened = self.open()
        with self.locked(), contextlib.ExitStack() as undo:
            kept = files.is_at(self.directory / "slots", opened.slots.stat)
            first = not (self.directory / "slots").exists()
            slots, numbers = restore(self.directory, self._lost(opened), opened.slots if kept else None)
            if not kept:
                undo.callback(slots.close)
            labels = LabelValues(self.directory / "labels", self._note_damaged_labels)
            if self._labels is not None:
                labels.restore(self._labels)
            reader = Reader(self.directory)
            reader.refresh()
            if self.own is not None:
                self._move(self.own, slots, numbers[self.own.number], kind)
            undo.pop_all()
            if not kept:
                opened.slots.close()
            self.opened, self._labels, self._shared = Opened(slots, reader), labels, None
        return first

    def _lost(self, opened: Opened) -> Lost:
        contents = opened.reader.contents()
        for values in (self.own.values if self.own else None, self._shared):
            if values is not None:
                contents[values.path.name] = values.content()
        live = {info.slot: info.kind for info in opened.slots.live()}
        return Lost(opened.slots.identity, contents, live)

    def _move(self, own: OwnSlot, slots: Slots, wanted: int, kind: str) -> None:
        """Take slot ``wanted`` in the restored directory, and all values of this process there."""
        slot = slots.claim(kind, wanted)
        live = self._fresh_live(slot)
        for key, (view, index) in own.live.cells().items():
            target, position = live.cell(key)
            target[position], target[position + 1] = view[index], view[index + 1]
        values = self.open_values(self.directory / f"values-{slot}.db")
        seen = {}
        for key, (view, index) in own.values.cells().items():
            seen[key] = view[index]
            if slot == wanted:
                advance(values, key, seen[key], view[index + 1])
        error_cells = reserve(values)
        # a file that was lost may be back, when a file system that hid it is unmounted
        self._draining = [entry for entry in self._draining if not os.path.samestat(entry[0].stat, values.stat)]
        self._draining.append((own.values, seen, time.monotonic() + _DRAIN_SECONDS))
        self.own, self._errors.cells = OwnSlot(slot, values, live), error_cells

    def drain(self, own: OwnSlot) -> None:
        """Add what threads have written to a lost file since its values were copied: they still had its cell."""
        for values, seen, _until in self._draining:
            for key, (view, index) in values.cells().items():
                value, stamp = view[index], view[index + 1]
                if stamp <= 0 and value > seen.get(key, 0.0):
                    target, position = own.values.cell(key, stamp)
                    target[position] += value - seen.get(key, 0.0)
                    seen[key] = value
        self._draining = [entry for entry in self._draining if entry[2] > time.monotonic()]

    def forked(self) -> "Holding":
        """Return what a child of this process has open: the file of the slots, none of which it holds, and a reader."""
        child = Holding(self.directory, self._errors)
        if self.opened is not None:
            if self.is_lost():
                self.close()
            else:
                child.opened = Opened(self.opened.slots, Reader(self.directory))
                self.opened.slots.forked()
        return child

    def close(self) -> None:
        """Close what is open, and release the slot."""
        if self.opened is not None:
            self.opened.slots.close()
