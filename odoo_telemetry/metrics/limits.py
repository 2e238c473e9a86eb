"""Limits of labels: how many values each may take in a database, and which it has taken."""

from collections.abc import Iterable, Set

from .databases import Databases
from .directory import Directory
from .errors import Errors, NothingMeasuredError
from .labels import OTHER
from .metric import Label, Metric, RejectedError

_LONGEST_LABEL = 200


class Limits:
    """The limits of the labels of an instance."""

    def __init__(self, directory: Directory, databases: Databases, errors: Errors) -> None:
        self._directory, self._databases, self._errors = directory, databases, errors

    def limit(self, label: Label, database: str | None) -> int:
        """Return how many values ``label`` may take; for a series of the instance, the most that a database allows."""
        settings = self._databases.settings()
        asked = settings.values() if database is None else filter(None, [settings.get(database)])
        return max((one.label_limits.get(label.name, label.limit) for one in asked), default=label.limit)

    def bounded(self, metric: Metric, labels: tuple[object, ...], database: str | None) -> tuple[str, ...]:
        """Return label values as text within their bounds; what exceeds them becomes 'other'.

        :raises RejectedError: when their number is not the metric's
        :raises NothingMeasuredError: when no database is measured
        :raises OSError: when a new value can't be written down
        """
        if len(labels) != len(metric.labels):
            raise RejectedError("label", f"{metric.name} has {len(metric.labels)} labels, not {labels!r}")
        return tuple(
            self._bounded(label, value, database) for label, value in zip(metric.labels, map(str, labels), strict=True)
        )

    def _bounded(self, label: Label, value: str, database: str | None) -> str:
        if label.values:
            return value if value in label.values else OTHER
        if value == OTHER or len(value) > _LONGEST_LABEL:
            return OTHER
        known = self._directory.labels()
        return known.admit(database, label.pool or label.name, value, self.limit(label, database))

    def admit(self, database: str | None, label: Label, values: Iterable[str], share: float = 1.0) -> None:
        """Let values into a label beforehand, up to the limit; never raises.

        :param database: name, or None for series of the instance
        :param values: the most important ones first
        :param share: of the label's limit that they may take up
        """
        try:
            limit = int(share * self.limit(label, database))
            kept = [value for value in values if len(value) <= _LONGEST_LABEL]
            self._directory.labels().admit_all(database, label.pool or label.name, kept, limit)
        except (OSError, NothingMeasuredError) as exception:
            self._errors.drop(exception)

    def admitted(self, database: str | None, label: Label) -> Set[str]:
        """Return the values of a label that are let in."""
        try:
            return self._directory.labels().known(database, label.pool or label.name)
        except (OSError, NothingMeasuredError) as exception:
            self._errors.drop(exception)
            return frozenset()

    def counts(self) -> dict[tuple[str | None, str], int]:
        """Return {(database, label name): number of values taken} of the labels without a closed list."""
        try:
            return self._directory.labels().count()
        except (OSError, NothingMeasuredError) as exception:
            self._errors.drop(exception)
            return {}
