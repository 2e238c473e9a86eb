"""What a metric is, and the register of those that are declared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Scope = Literal["database", "instance"]
Group = Literal["fast", "system", "business"]
Merge = Literal["latest", "sum", "max"]


class Values(list[str]):
    """The values of a label with a closed list to which other addons may append.

    It is compared and hashed by identity, not by content, so that labels can be hashed.
    """

    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__  # type: ignore[assignment]


@dataclass(frozen=True)
class Label:
    """A label with its bound: a closed list of ``values``, or at most ``limit`` values; others become ``other``.

    Labels of one name share their limit, unless ``pool`` names another one.
    """

    name: str
    values: Sequence[str] = ()
    limit: int = 50
    pool: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows that are facts: records of ``model`` in ``domain``; ``labels`` are their values for the metric's labels.

    Each label value is a constant, or ``'.column'``: the value of that column of the row; ``'.column.other'`` is that
    of the row which the column refers to.

    value: what each fact adds: a column, or a pair of datetime columns for the seconds between them; '' to count.
    at: datetime columns, the first that has a value is the time of the fact; the facts of the last day are then also
        kept in steps of 5 minutes, those of the last week in steps of an hour.
    distinct: a column whose distinct values of a day (UTC) are counted, instead of rows.
    starts: these rows are not counted; they only initialize the series of their labels to 0.
    """

    model: str
    domain: tuple[object, ...] = ()
    labels: tuple[str, ...] = ()
    value: str | tuple[str, str] = ""
    at: tuple[str, ...] = ()
    distinct: str = ""
    starts: bool = False


@dataclass(frozen=True)
class Metric:
    """The description of one metric family; ``instruments.py`` has those that an addon declares.

    name: series name; a counter's ends in ``_total``.
    kind: 'counter', 'histogram' or 'gauge'.
    scope: 'database' if each database has its own series, 'instance' if they belong to the whole Odoo server, which is
        an instance in Prometheus.
    group: 'fast' (scraped every 10 s), 'system' (30 s) or 'business' (60 s).
    producer: who exposes it: 'odoo', 'browser', or another program by its name.
    merge: how the values of a gauge are aggregated over workers: 'sum' and 'max' of the live ones, 'latest' of all.
    rows: of a metric of facts, a tuple of :class:`Rows`. A counter counts the rows that ever were facts, a histogram
        observes the value of each; a gauge is the number of rows that are facts now, the mean of their values over
        ``window`` seconds, or the number of distinct values today.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    scope: Scope = "database"
    group: Group = "business"
    producer: str = "odoo"
    merge: Merge = "latest"
    rows: tuple[Rows, ...] = ()
    window: int = 0

    @property
    def is_audited(self) -> bool:
        """Whether its values are numbers of rows that can be counted again: the audit compares them with the ledger."""
        if not self.rows:
            return False
        return self.kind == "counter" or (self.kind == "gauge" and not self.window and not self.rows[0].distinct)

    @property
    def is_live(self) -> bool:
        """Whether its values end with the process that set them."""
        return self.merge != "latest"

    @cached_property
    def bounds(self) -> tuple[float, ...]:
        """The upper bounds of the buckets of a histogram, the last one infinite."""
        return (*map(float, self.buckets), float("inf"))

    @cached_property
    def label_names(self) -> tuple[str, ...]:
        """The names of its labels."""
        return tuple(label.name for label in self.labels)

    def label_values(self, labels: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values of ``labels``, {name: value}, in the metric's order.

        :raises RejectedError: when they are not the metric's
        """
        if len(labels) != len(self.labels) or not all(name in labels for name in self.label_names):
            known = ", ".join(self.label_names) or "none"
            raise RejectedError("label", f"the labels of {self.name} are {known}, not {', '.join(labels) or 'none'}")
        return tuple(labels[name] for name in self.label_names)


class RejectedError(Exception):
    """A value that does not fit its metric.

    :param str reason: the label ``reason`` of the error that is counted: 'label' or 'value'
    :param str message: which metric and value, and why not
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


METRICS: dict[str, Metric] = {}
"""All metric families that are declared, by name."""


def register(metric: Metric) -> None:
    """Have a metric counted and exported.

    :raises ValueError: when there is another one of its name
    """
    if METRICS.setdefault(metric.name, metric) != metric:
        raise ValueError(f"there is another metric {metric.name}")


def section(before: Iterable[Metric] = ()) -> tuple[Metric, ...]:
    """Return the metrics that are declared and are not among ``before``."""
    known = {metric.name for metric in before}
    return tuple(metric for name, metric in METRICS.items() if name not in known)
