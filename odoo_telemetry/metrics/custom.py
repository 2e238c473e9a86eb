"""Custom metrics: those that a database's administrator defined, as they were last read.

They are neither in the catalogue nor in the shared cells. Each reading replaces all values, so that stale series
disappear and values always match their definition. Counter values are in the ledger, as those of facts (``facts.py``);
this module has the names of their label values.
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
class CustomMetric:
    """One custom metric.

    Moments are of :func:`time.monotonic`, which all processes share until a reboot.

    name, kind ('gauge' or 'counter'), help, unit: as of :class:`.metric.Metric`.
    revision: of the definition that it was read by; values of another are not comparable.
    labels: names of the labels.
    ledger: of a counter, its name in the ledger.
    series: of a gauge, list of (label values in the order of ``labels``, value).
    texts: of a counter, for each label a list of (value in the ledger, label value).
    values_at: time of the last successful reading, Unix seconds, to be displayed; 0 if there was none.
    read_at: the same as a moment; None if there was none.
    tried_at: moment of the last attempt.
    due_at: earliest moment of the next attempt.
    seconds: duration of the last attempt.
    error: why the last attempt failed, for the administrator; '' if it succeeded.
    is_age: whether the values are ages in seconds, which grow after the reading.
    capped: {label: how many values (of a gauge) or records (of a counter) are aggregated as 'other'}.
    lost: of a counter, the number of records that could be read neither at the commit nor at the roll-up, and are not
    counted.
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
    is_age: bool = False
    capped: dict[str, int] = field(default_factory=dict)
    lost: int = 0

    def described(self) -> Metric:
        """Return it as a :class:`.metric.Metric`."""
        return Metric(self.name, self.kind, self.help, tuple(map(Label, self.labels)), self.unit, group=GROUP)

    def waits_since(self, now: float) -> float | None:
        """Return the moment since which the metric is due, or None if it is not due at ``now``.

        An attempt in the future is from before a reboot: the metric is due.
        """
        if self.tried_at > now:
            return 0.0
        return self.due_at if now >= self.due_at else None

    def is_current(self, now: float) -> bool:
        """Return whether its values may be shown at the moment ``now``."""
        longest = STALE_AFTER_SECONDS + max(0.0, self.due_at - self.tried_at)
        return self.read_at is not None and 0 <= now - self.read_at <= longest

    def shown(self, now: float) -> dict[tuple[str, ...], float]:
        """Return {label values: value} of a gauge as it is at the moment ``now``."""
        grown = now - self.read_at if self.is_age and self.read_at is not None else 0.0
        return {tuple(labels): value + grown for labels, value in self.series}

    def named(self, amounts: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
        """Return {label values: value} of ``amounts``, {label values in the ledger: value}.

        Values without a known name are omitted until the next reading.
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
    metrics: dict[str, CustomMetric] = field(default_factory=dict)

    def without(self, names: Iterable[str]) -> "Reading":
        """Return the reading without the metrics ``names``, which were redefined or deleted; it is due to be read."""
        return Reading(None, {name: metric for name, metric in self.metrics.items() if name not in names})


def _decode(content: Any) -> Reading:
    for metric in content["metrics"].values():
        # as an earlier version wrote it
        if "folded" in metric:
            metric["capped"] = metric.pop("folded")
    return Reading(content["read_at"], {name: CustomMetric(**metric) for name, metric in content["metrics"].items()})


class PublishedReadings(Published[Reading]):
    """The custom metrics of all databases of an instance, as files in ``directory``."""

    def __init__(self, directory: Path, damaged: Damaged = refuse) -> None:
        super().__init__(directory, "own-", _decode, asdict, damaged)
