"""Custom metrics: those that a database's administrator defined, as they were last read.

They are not in the catalogue, and not in the shared cells: a reading replaces all of them at once, so that a series
whose rows are gone is gone, and a definition never stands beside the values of another. The values of counters are in
the ledger, as those of facts are (``facts.py``); here is what their label values are called.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .clock import STALE_AFTER_SECONDS
from .metric import Group, Kind, Label, Metric
from .published import Damaged, Published, refuse

GROUP: Group = "business"
PREFIX = "odoo_custom_"
"""What the names of all custom metrics begin with, in the ledger too."""


@dataclass
class OwnMetric:
    """One custom metric.

    Moments are of :func:`time.monotonic`, which all processes share until the machine starts again.

    name, kind ('gauge' or 'counter'), help, unit: as of :class:`.metric.Metric`.
    revision: of the definition that it was read by; values of another are not comparable.
    labels: names of the labels.
    ledger: of a counter, its name in the ledger.
    series: of a gauge, list of (label values in the order of ``labels``, value).
    texts: of a counter, for each label a list of (value in the ledger, label value).
    values_at: when it was read, for people: Unix time in seconds; 0 for never.
    read_at: the same moment; None for never.
    tried_at: when that was last tried.
    due_at: not to be tried again before this.
    seconds: what the last try took.
    error: why the last try failed, in the words of the administrator; '' when it did not.
    folded: {label: what is shown as 'other'}: of a gauge the number of values, of a counter that of records.
    lost: of a counter, the number of records that could not be read when they were written, and are not in it.
    """

    name: str
    kind: Kind
    help: str
    unit: str = ""
    revision: int = 0
    labels: list[str] = field(default_factory=list)
    ledger: str = ""
    series: list[tuple[list[str], float]] = field(default_factory=list)
    texts: list[list[tuple[str, str]]] = field(default_factory=list)
    values_at: float = 0.0
    read_at: float | None = None
    tried_at: float = 0.0
    due_at: float = 0.0
    seconds: float = 0.0
    error: str = ""
    folded: dict[str, int] = field(default_factory=dict)
    lost: int = 0

    def described(self) -> Metric:
        """Return it as a :class:`.metric.Metric`."""
        return Metric(self.name, self.kind, self.help, tuple(map(Label, self.labels)), self.unit, group=GROUP)

    def waits_since(self, now: float) -> float | None:
        """Return since when it is due (a moment), None if it is to be left alone at the moment ``now``.

        One that was tried in the future was tried before the machine started: it is due.
        """
        if self.tried_at > now:
            return 0.0
        return self.due_at if now >= self.due_at else None

    def is_current(self, now: float) -> bool:
        """Return whether its values may be shown at the moment ``now``."""
        longest = STALE_AFTER_SECONDS + max(0.0, self.due_at - self.tried_at)
        return self.read_at is not None and 0 <= now - self.read_at <= longest

    def named(self, amounts: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
        """Return {label values: value} of ``amounts``, {label values in the ledger: value}.

        What was called nothing yet is left out until the next reading.
        """
        texts: list[dict[str, str]] = list(map(dict, self.texts))
        series: dict[tuple[str, ...], float] = {}
        for raws, amount in amounts.items():
            if len(raws) == len(texts) and all(raw in known for raw, known in zip(raws, texts, strict=True)):
                labels = tuple(known[raw] for raw, known in zip(raws, texts, strict=True))
                series[labels] = series.get(labels, 0.0) + amount
        return series


@dataclass
class Reading:
    """The custom metrics of a database: ``metrics`` by series name, and when they were read (a moment; None: never)."""

    read_at: float | None = None
    metrics: dict[str, OwnMetric] = field(default_factory=dict)

    def without(self, names: Iterable[str]) -> "Reading":
        """Return what is left when the metrics ``names`` are no longer defined like that; it is due to be read."""
        return Reading(None, {name: metric for name, metric in self.metrics.items() if name not in names})


def _decode(content: Any) -> Reading:
    return Reading(content["read_at"], {name: OwnMetric(**metric) for name, metric in content["metrics"].items()})


class PublishedReadings(Published[Reading]):
    """The custom metrics of all databases of an instance, as files in ``directory``."""

    def __init__(self, directory: Path, damaged: Damaged = refuse) -> None:
        super().__init__(directory, "own-", _decode, asdict, damaged)
