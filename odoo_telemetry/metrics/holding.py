"""What a process has open of the store's directory, and how it gets by when that is lost.

The directory ``store`` holds ``slots`` (which process is alive; with it the directory is whole), ``values-<slot>.db``
(what outlives the process), ``live-<slot>.db`` (what ends with it), ``values-shared.db`` (what processes add to one
after the other), ``labels`` and what databases publish. Beside it is its lock.
"""

import contextlib
import os
import time

from . import catalogue, files
from .labels import LabelValues
from .reader import Reader
from .recovery import SHARED, Lost, advance, restore
from .slots import Slots
from .values import DamagedError, SlotValues, make_key

ERRORS = "odoo_telemetry_errors_total"
_DRAIN_SECONDS = 10.0
"""So long a thread that was about to add to a lost file is waited for; it needs microseconds."""


class Holding:
    """The files of ``directory`` (path) that this process has open. Its caller lets one thread in at a time.

    :param error: function of (reason, message, *arguments) that counts a failure
    """

    def __init__(self, directory, error):
        self.directory = directory
        self._error = error
        self._lock_path = directory.with_suffix(".lock")
        self.slot = self.values = self.live = self.slots = self.reader = None
        self.error_cells = {}
        self._labels = self._shared = None
        self._draining = []

    def locked(self):
        """Return a context manager that keeps other processes from making, restoring or sharing files meanwhile."""
        return files.locked(self._lock_path)

    # ------------------------------------------------------------------ opening

    def open(self):
        """Open what a reading needs.

        :raises OSError: when it can't be opened, or the disk is full.
        """
        if self.slots is None:
            with self.locked():
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._share()
                self.slots = Slots(self.directory / "slots")
            self.reader = Reader(self.directory)
            self.reader.refresh()

    def readable(self):
        """Return (numbers of the live slots, :class:`.reader.Reader`) of a directory that this process can't write to.

        :raises OSError: when there is nothing to read.
        """
        slots = Slots(self.directory / "slots", os.O_RDONLY)
        try:
            reader = Reader(self.directory)
            reader.refresh()
            return {info.slot for info in slots.live()}, reader
        finally:
            slots.close()

    def labels(self):
        """Return the :class:`.labels.LabelValues`.

        :raises OSError: when they can't be opened.
        """
        if self._labels is None:
            self._labels = LabelValues(self.directory / "labels", self._note_damaged_labels)
        return self._labels

    def claim(self, kind):
        """Open what a writer needs: a slot of its own, which says that this process does ``kind``.

        :raises OSError: when it can't be opened, the disk is full, or the directory is lost.
        """
        self.open()
        with self.locked():
            self._refuse_lost()
            slot = self.slots.claim(kind)
            live = self._fresh_live(slot)
            values = self.open_values(self.directory / f"values-{slot}.db")
            error_cells = _reserved_errors(values)
        self.slot, self.live, self.values, self.error_cells = slot, live, values, error_cells

    def _fresh_live(self, slot):
        path = self.directory / f"live-{slot}.db"
        path.unlink(missing_ok=True)
        return SlotValues(path)

    def open_values(self, path):
        """Return the :class:`.values.SlotValues` of ``path``; a damaged file is set aside.

        :raises OSError: when it can't be opened, or the disk is full.
        """
        try:
            return SlotValues(path)
        except DamagedError as damage:
            self.set_aside(damage)
            return SlotValues(path)

    def set_aside(self, damage):
        """Rename the file of a :class:`.values.DamagedError`: its values are lost, and no others."""
        self._error("damaged", "%s; it was set aside, its values are lost", damage)
        damage.path.replace(damage.path.with_suffix(".damaged"))

    def _note_damaged_labels(self, number):
        self._error("damaged", "%d lines of labels can't be read; they are left out", number)

    # ------------------------------------------------------------------ sharing

    def share(self, add):
        """Call ``add(values)`` with the :class:`.values.SlotValues` that processes add to one after the other.

        :raises OSError: when they can't be opened, or the directory is lost.
        """
        self.open()
        with self.locked():
            self._refuse_lost()
            add(self._share())

    def _refuse_lost(self):
        """Raise OSError if another process may have made the directory again: this one's slot is no longer its own."""
        if self.is_lost():
            raise FileNotFoundError(f"{self.directory} is gone")

    def _share(self):
        if self._shared is None or not files.is_at(self._shared.path, self._shared.stat):
            values = self.open_values(self.directory / f"values-{SHARED}.db")
            _reserved_errors(values)
            self._shared = values
        return self._shared

    # ------------------------------------------------------------------ losing and restoring

    def is_lost(self):
        """Return whether the directory, or a file of it, was deleted since it was opened."""
        if self.slots is None:
            return False
        if not files.is_at(self.directory / "slots", self.slots.stat):
            return True
        opened = self.values, self.live, self._labels
        return any(file is not None and not files.is_at(file.path, file.stat) for file in opened)

    def refresh(self):
        """Map what other processes have made since the last time, so that it outlives them and the directory."""
        self.reader.refresh()

    def restore(self, kind):
        """Write down again what was lost, and go on with it. Nothing has changed if that fails.

        :return: whether this process was the first to notice
        :raises OSError: when it can't be written.
        """
        with self.locked(), contextlib.ExitStack() as undo:
            kept = files.is_at(self.directory / "slots", self.slots.stat)
            first = not (self.directory / "slots").exists()
            slots, numbers = restore(self.directory, self._lost(), self.slots if kept else None)
            if not kept:
                undo.callback(slots.close)
            labels = LabelValues(self.directory / "labels", self._note_damaged_labels)
            if self._labels is not None:
                labels.restore(self._labels)
            reader = Reader(self.directory)
            reader.refresh()
            if self.slot is not None:
                self._move(slots, numbers[self.slot], kind)
            undo.pop_all()
            if not kept:
                self.slots.close()
            self.slots, self._labels, self._shared, self.reader = slots, labels, None, reader
        return first

    def _lost(self):
        contents = self.reader.contents()
        for values in (self.values, self._shared):
            if values is not None:
                contents[values.path.name] = values.content()
        live = {info.slot: info.kind for info in self.slots.live()}
        return Lost(self.slots.identity, contents, live)

    def _move(self, slots, wanted, kind):
        """Take slot ``wanted`` in the restored directory, and all values of this process there."""
        slot = slots.claim(kind, wanted)
        live = self._fresh_live(slot)
        for key, (view, index) in self.live.cells().items():
            target, position = live.cell(key)
            target[position], target[position + 1] = view[index], view[index + 1]
        values = self.open_values(self.directory / f"values-{slot}.db")
        seen = {}
        for key, (view, index) in self.values.cells().items():
            seen[key] = view[index]
            if slot == wanted:
                advance(values, key, seen[key], view[index + 1])
        error_cells = _reserved_errors(values)
        # a file that was lost may be back, when a file system that hid it is unmounted
        self._draining = [entry for entry in self._draining if not os.path.samestat(entry[0].stat, values.stat)]
        self._draining.append((self.values, seen, time.monotonic() + _DRAIN_SECONDS))
        self.slot, self.live, self.values, self.error_cells = slot, live, values, error_cells

    def drain(self):
        """Add what threads have written to a lost file since its values were taken: they had its cell in hand."""
        for values, seen, _until in self._draining:
            for key, (view, index) in values.cells().items():
                value, stamp = view[index], view[index + 1]
                if not stamp and value > seen.get(key, 0.0):
                    target, position = self.values.cell(key)
                    target[position] += value - seen.get(key, 0.0)
                    seen[key] = value
        self._draining = [entry for entry in self._draining if entry[2] > time.monotonic()]

    def forked(self):
        """Return what a child of this process has open: as little as can be, and no slot."""
        child = Holding(self.directory, self._error)
        if self.slots is not None:
            if self.is_lost():
                self.close()
            else:
                child.slots, child.reader = self.slots, Reader(self.directory)
                child.slots.forked()
        return child

    def close(self):
        """Give back what this process holds."""
        if self.slots is not None:
            self.slots.close()


def _reserved_errors(values):
    """Return {reason: cell} for the errors of telemetry itself: a full disk must not keep them from being counted."""
    [label] = catalogue.METRICS[ERRORS].labels
    return {reason: values.cell(make_key(ERRORS, None, (reason,))) for reason in label.values}
