"""Metrics as objects that count: an addon declares each once, in a module, and imports it where it is counted.

::

    ORDERS = Counter("shop_orders_total", "Orders confirmed.", labels=(CHANNEL,))

    ORDERS.inc(channel="web", database=self.env.cr.dbname)

Labels are keyword arguments. Nothing here raises where something is counted: a value that does not fit, or a label that
is missing or not the metric's, is dropped, counted by reason and logged.
"""

import keyword
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from . import clock, store
from .metric import Group, Kind, Label, Merge, Metric, RejectedError, Rows, Scope, register

_MISSING = object()
"""The value of a label that was not given."""


class Increment(Protocol):
    """Add ``amount`` (0 or more) to a counter, now.

    :param database: for a metric of scope 'database'
    :param labels: the value of each of its labels
    """

    def __call__(self, amount: float = 1.0, /, *, database: str | None = None, **labels: object) -> None: ...


class Change(Protocol):
    """Set a gauge to ``value``, or add it to this process's part of a live one, now; as :class:`Increment`."""

    def __call__(self, value: float, /, *, database: str | None = None, **labels: object) -> None: ...


class Observation(Protocol):
    """Add ``value``, in the metric's unit, to a histogram, now; as :class:`Increment`."""

    def __call__(self, value: float, /, *, database: str | None = None, **labels: object) -> None: ...


class Sample(NamedTuple):
    """A value of a gauge that is read, not counted; :meth:`Gauge.sample` makes it."""

    gauge: "Gauge"
    value: float
    labels: Mapping[str, object]


# The functions that count have the metric's labels as parameters, and `database` unless its series are the instance's:
# with `**labels` they would take three times as long. A series that was counted before is found by one look-up. 1e999
# is infinity as a constant, and floats are compared with floats: both are faster.
_FUNCTION = """
def {name}({value}, /{parameters}, **_unknown):
    try:
        if _unknown:
            raise _rejected(_value, _unknown)
        try:
            {cell} = _cells[{key}]
        except KeyError:
            {cell} = _find({series})
        {change}
    except Exception as _exception:
        _drop(_exception)
"""
_INC = """
        _before = _view[_index]
        _after = _before + _value
        if not _before <= _after < 1e999:
            raise _rejected(_value, _unknown)
        _view[_index] = _after
"""
# the value first: a reader, which takes the time first, never has an older value with a newer time
_SET = """
        if _value != _value:
            raise _rejected(_value, _unknown)
        _view[_index] = _value
        _view[_index + 1] = _clock.now()
"""
_ADD = """
        if _value != _value:
            raise _rejected(_value, _unknown)
        _view[_index] += _value
"""
_OBSERVE = """
        if not -1e999 < _value < 1e999:
            raise _rejected(_value, _unknown)
        _view[_counts[_bisect_left(_bounds, _value)]] += 1.0
        _view[_sum] += _value
        if _exemplars.trace is not None:
            _exemplars.note(_metric, _value, {labels}, {database})
"""


class Instrument(Metric):
    """A metric that this process counts.

    :raises ValueError: when another one of its name is declared, or a label can't be a keyword argument
    """

    _cells: dict[object, Any]

    def __init__(self, name: str, kind: Kind, help: str, labels: tuple[Label, ...], **fields: Any) -> None:
        super().__init__(name, kind, help, labels, **fields)
        for label in self.label_names:
            if not label.isidentifier() or keyword.iskeyword(label) or label == "database" or label.startswith("_"):
                raise ValueError(f"{name} can't have a label {label}")
        register(self)
        cells: dict[object, Any] = {}
        store.directory.when_closed(cells.clear)
        self.__dict__["_cells"] = cells

    def start(self, /, *, database: str | None = None, **labels: object) -> None:
        """Make a series exist, at 0 if it is new; parameters as of :class:`Increment`."""
        try:
            values = self.label_values(labels)
            if self._key(database, values) not in self._cells:
                self._find(database, *values)
        except Exception as exception:
            store.errors.drop(exception)

    def _key(self, database: str | None, labels: tuple[object, ...]) -> object:
        """Return what the cell of a series is kept under, as the functions that count look it up."""
        key = labels if self.scope == "instance" else (database, *labels)
        return key[0] if len(key) == 1 else key

    def _open(self, labels: tuple[object, ...], database: str | None) -> tuple[Any, bool]:
        """Return the cell of a series, and whether it is of these labels alone; as :meth:`.writer.Writer.cell`."""
        return store.writer.cell(self, labels, database)

    def _find(self, database: str | None, *labels: object) -> Any:
        if _MISSING in labels:
            # raises
            self.label_values({
                name: value for name, value in zip(self.label_names, labels, strict=True) if value is not _MISSING
            })  # fmt: skip
        # under one lock: else, if the directory is restored in between, the cell of a lost file stays in the cache
        with store.directory.lock:
            cell, is_exact = self._open(labels, database)
            if is_exact:
                self._cells[self._key(database, labels)] = cell
        return cell

    def _rejected(self, value: object, unknown: Mapping[str, object]) -> RejectedError:
        if unknown:
            return RejectedError("label", f"{self.name} has no label {', '.join(unknown)}")
        return RejectedError("value", f"{value!r} does not fit the {self.kind} {self.name}")

    def _define(self, name: str, cell: str, change: str, value: str = "_value") -> None:
        """Generate the metric's function ``name`` from the template ``_FUNCTION``.

        :param cell: names of the parts of a cell
        :param change: what is done with them
        :param value: the parameter ``_value``, with its default if there is one
        """
        has_database = self.scope == "database"
        database = "database" if has_database else "None"
        parameters = [", database=None"] * has_database + [f", {label}=_missing" for label in self.label_names]
        labels = "".join(f"{label}, " for label in self.label_names)
        source = _FUNCTION.format(
            name=name,
            value=value,
            parameters="".join(parameters),
            cell=cell,
            key=", ".join(["database"] * has_database + list(self.label_names)) or "()",
            series=f"{database}, {labels}",
            change=change.format(labels=f"({labels})", database=database).strip(),
        )
        namespace = {
            "_bisect_left": bisect_left,
            "_bounds": self.bounds,
            "_cells": self._cells,
            "_clock": clock,
            "_drop": store.errors.drop,
            "_exemplars": store.exemplars,
            "_find": self._find,
            "_metric": self,
            "_missing": _MISSING,
            "_rejected": self._rejected,
        }
        exec(source, namespace)
        self.__dict__[name] = namespace[name]


class Counter(Instrument):
    """A metric that only grows; fields as of :class:`.metric.Metric`."""

    inc: Increment

    def __init__(
        self,
        name: str,
        help: str,
        labels: tuple[Label, ...] = (),
        *,
        unit: str = "",
        scope: Scope = "database",
        group: Group = "business",
        producer: str = "odoo",
        rows: tuple[Rows, ...] = (),
    ) -> None:
        super().__init__(
            name, "counter", help, labels, unit=unit, scope=scope, group=group, producer=producer, rows=rows
        )
        self._define("inc", "_view, _index", _INC, "_value=1.0")

    def follow(self, number: float, source: int, /, **labels: object) -> None:
        """Add the increase of an external counter since the last call in any process; for a metric of scope 'instance'.

        :param number: what it is now
        :param source: identifies the external counter; a new one starts at 0
        """
        try:
            store.writer.follow(self, self.label_values(labels), source, number)
        except Exception as exception:
            store.errors.drop(exception)


class Gauge(Instrument):
    """A value that rises and falls; fields as of :class:`.metric.Metric`."""

    set: Change
    add: Change

    def __init__(
        self,
        name: str,
        help: str,
        labels: tuple[Label, ...] = (),
        *,
        unit: str = "",
        scope: Scope = "database",
        group: Group = "business",
        producer: str = "odoo",
        merge: Merge = "latest",
        rows: tuple[Rows, ...] = (),
        window: int = 0,
    ) -> None:
        super().__init__(
            name, "gauge", help, labels,
            unit=unit, scope=scope, group=group, producer=producer, merge=merge, rows=rows, window=window,
        )  # fmt: skip
        self._define("set", "_view, _index", _SET)
        self._define("add", "_view, _index", _ADD)

    def sample(self, value: float, /, **labels: object) -> Sample:
        """Return a value that was read."""
        return Sample(self, value, labels)


class Histogram(Instrument):
    """Observations by bucket, and their sum; fields as of :class:`.metric.Metric`.

    :param buckets: their upper bounds, without the infinite one
    """

    observe: Observation

    def __init__(
        self,
        name: str,
        help: str,
        labels: tuple[Label, ...] = (),
        *,
        buckets: tuple[float, ...],
        unit: str = "",
        scope: Scope = "database",
        group: Group = "business",
        producer: str = "odoo",
        rows: tuple[Rows, ...] = (),
    ) -> None:
        super().__init__(
            name, "histogram", help, labels,
            unit=unit, buckets=buckets, scope=scope, group=group, producer=producer, rows=rows,
        )  # fmt: skip
        self._define("observe", "_view, _sum, _counts", _OBSERVE)

    def exemplify(self, value: float, /, *, database: str | None = None, **labels: object) -> None:
        """Show the current trace, if there is one, beside an observation that is counted elsewhere: in the ledger."""
        try:
            store.exemplars.note(self, value, self.label_values(labels), database)
        except Exception as exception:
            store.errors.drop(exception)

    def _open(self, labels: tuple[object, ...], database: str | None) -> tuple[Any, bool]:
        return store.writer.buckets(self, labels, database)
