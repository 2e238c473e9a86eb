"""Failures of telemetry itself: counted by reason, and logged at most once a minute for each."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from .labels import OTHER
from .metric import RejectedError
from .values import Cell, SlotValues, appeared, make_key

_logger = logging.getLogger(__name__)

NAME = "odoo_telemetry_errors_total"
REASONS = (
    "directory",
    "disk",
    "damaged",
    "label",
    "value",
    "settings",
    "scrape",
    "database",
    "ledger",
    "instrumentation",
    "hook",
    "presence",
    "unauthorized",
    "tracing",
    "custom_metric",
    "route",
)
_LOG_SECONDS = 60.0


class NothingMeasuredError(Exception):
    """No database of the instance is measured, so nothing is kept."""


class Errors:
    """The failures that this process met."""

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        """{reason: its cell} of the slot that this process holds; none while it holds none."""
        self._directory = Path()
        self._logged: dict[str, float] = {}
        self.forked()

    def configure(self, directory: Path) -> None:
        """Note where values are kept, and log the next failure of each reason, even within the minute."""
        self._directory, self._logged = directory, {}

    def forked(self) -> None:
        """Reset after a fork: failures that the parent has not flushed are the parent's to flush."""
        self.cells = {}
        self._pending: Counter[str] = Counter()
        self._pending_lock = threading.Lock()

    def count(self, reason: str, message: str, *args: object) -> None:
        """Count a failure, and log it unless one of that reason was logged in the last minute.

        :param reason: a value of the label ``reason`` of ``odoo_telemetry_errors_total``
        :param message: what happened, as a logging format for ``args``
        """
        self.add(reason)
        now = time.monotonic()
        if now >= self._logged.get(reason, 0.0):
            self._logged[reason] = now + _LOG_SECONDS
            _logger.warning("Telemetry, %s: " + message, reason, *args)

    def add(self, reason: str) -> None:
        """Count a failure that the caller logs; ``reason`` is as for :meth:`count`."""
        cell = self.cells.get(reason)
        if cell is not None:
            view, index = cell
            view[index] += 1
        else:
            with self._pending_lock:
                self._pending[reason] += 1

    def drop(self, exception: Exception) -> None:
        """Count a value that can't be stored, under the reason that ``exception`` maps to."""
        if isinstance(exception, NothingMeasuredError):
            return
        if isinstance(exception, RejectedError):
            reason = exception.reason
        elif isinstance(exception, OSError):
            reason = "disk" if self._directory.exists() else "directory"
        else:
            reason = "value"
        self.count(reason, "a value was dropped: %s: %s", type(exception).__name__, exception)

    def flush(self, share: Callable[[Callable[[SlotValues], None]], None]) -> None:
        """Add the failures that were counted while this process had no slot to the values that all processes share.

        :param share: calls a function with the shared values, to which one process at a time adds
        """
        if not self._pending:
            return
        with self._pending_lock:
            pending, self._pending = self._pending, Counter()

        def add(values: SlotValues) -> None:
            for reason, number in pending.items():
                view, index = values.cell(_key(reason), appeared())
                view[index] += number

        try:
            share(add)
        except Exception:
            # not exported until it is stored: the next worker that is scraped would not have it
            with self._pending_lock:
                self._pending += pending


def reserve(values: SlotValues) -> dict[str, Cell]:
    """Return {reason: its cell in ``values``}: a full disk must not keep failures from being counted."""
    return {reason: values.cell(_key(reason), appeared()) for reason in REASONS}


def _key(reason: str) -> str:
    return make_key(NAME, None, (reason if reason in REASONS else OTHER,))
