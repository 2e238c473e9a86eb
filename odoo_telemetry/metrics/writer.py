"""Writing: the cells of the series that this process counts.

Adding to a cell (``instruments.py``) takes no lock: CPython (with its GIL) switches threads only at calls and at
the ends of loops, and neither occurs between reading and writing a cell of a memory view. A lock would more than double
the cost.
"""

from typing import TypeAlias

from .directory import Directory
from .limits import Limits
from .metric import METRICS, Metric
from .values import Cell, SlotValues, appeared, make_key

CAPPED = "odoo_telemetry_labels_folded_total"

Labels = tuple[object, ...]
Buckets: TypeAlias = "tuple[memoryview[float], int, tuple[int, ...]]"
"""A view, where in it the sum of a histogram's series is, and where the number of observations of each bucket."""


class Writer:
    """The cells of this process."""

    def __init__(self, directory: Directory, limits: Limits) -> None:
        self._directory, self._limits = directory, limits

    def cell(self, metric: Metric, labels: Labels, database: str | None) -> tuple[Cell, bool]:
        """Return the cell of a series of a counter or a gauge, and whether all values of ``labels`` are within bounds.

        :raises RejectedError: when the labels are not the metric's
        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when it can't be stored
        """
        with self._directory.lock:
            self._directory.slot()
            bounded = self._bounded(metric, labels, database)
            # not before: to ask for limits may restore the directory
            own = self._directory.slot()
            values = own.live if metric.is_live else own.values
            stamp = 0.0 if metric.kind == "gauge" else appeared()
            return values.cell(make_key(metric.name, database, bounded), stamp), bounded == tuple(map(str, labels))

    def buckets(self, metric: Metric, labels: Labels, database: str | None) -> tuple[Buckets, bool]:
        """Return the cells of a series of a histogram; otherwise as :meth:`cell`."""
        with self._directory.lock:
            self._directory.slot()
            bounded = self._bounded(metric, labels, database)
            values = self._directory.slot().values
            samples = ("sum", *map(str, metric.bounds))
            stamp = appeared()
            cells = [values.cell(make_key(metric.name, database, bounded, sample), stamp) for sample in samples]
            # the last one: the file was mapped again if it has grown
            view = cells[-1][0]
            total, *counts = (index for _view, index in cells)
            return (view, total, tuple(counts)), bounded == tuple(map(str, labels))

    def follow(self, metric: Metric, labels: Labels, source: int, number: float) -> None:
        """Add the increase of an external counter since the last call in any process to a counter of the instance.

        :param source: identifies the external counter; a new one starts at 0
        :param number: what it is now
        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when it can't be stored
        """
        texts = tuple(map(str, labels))

        def add(values: SlotValues) -> None:
            view, total = values.cell(make_key(metric.name, None, texts), appeared())
            view, last = values.cell(make_key(f"{metric.name} of the source", None, texts))
            grown = number - view[last] if view[last + 1] == source and number >= view[last] else number
            view[last], view[last + 1] = number, source
            view[total] += grown

        self._directory.share(add)

    def _bounded(self, metric: Metric, labels: Labels, database: str | None) -> tuple[str, ...]:
        bounded = self._limits.bounded(metric, labels, database)
        for label, value, kept in zip(metric.labels, labels, bounded, strict=True):
            if kept != str(value):
                (view, index), _within = self.cell(METRICS[CAPPED], (label.pool or label.name,), None)
                view[index] += 1
        return bounded
