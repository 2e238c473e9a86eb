"""Own metrics: those that a database's administrator defined, with their values as they were last read.

They are not in the catalogue, and not in the shared cells: a reading replaces all of them at once, so that a series
whose rows are gone is gone, and a definition never stands beside the values of another.
"""

from dataclasses import asdict, dataclass, field

from .catalogue import Label, Metric
from .published import Published

GROUP = "business"


@dataclass
class OwnMetric:
    """One own metric.

    name, kind ('gauge' or 'counter'), help, unit: as of :class:`.catalogue.Metric`.
    revision: of the definition that it was read by; values of another are not comparable.
    labels: names of the labels.
    series: list of (label values in the order of ``labels``, value).
    values_at: when the values were read, Unix time in seconds; 0 for never.
    tried_at: when that was last tried.
    retry_at: not to be tried again before this time; 0 for at once.
    seconds: what the last try took.
    error: why the last try failed, in the words of the administrator; '' when it did not.
    folded: {label: number of its values that are shown as 'other'}.
    lost: of a counter, the number of records that could not be read when they were written, and are not in it.
    """

    name: str
    kind: str
    help: str
    unit: str = ""
    revision: int = 0
    labels: list = field(default_factory=list)
    series: list = field(default_factory=list)
    values_at: float = 0.0
    tried_at: float = 0.0
    retry_at: float = 0.0
    seconds: float = 0.0
    error: str = ""
    folded: dict = field(default_factory=dict)
    lost: int = 0

    def described(self):
        """Return it as a :class:`.catalogue.Metric`."""
        return Metric(self.name, self.kind, self.help, tuple(map(Label, self.labels)), self.unit, group=GROUP)


@dataclass
class Reading:
    """The own metrics of a database: ``metrics`` by series name, and when they were read (Unix time in seconds)."""

    read_at: float = 0.0
    metrics: dict = field(default_factory=dict)

    def without(self, names):
        """Return what is left when the metrics ``names`` are no longer defined like that; it is due to be read."""
        return Reading(0.0, {name: metric for name, metric in self.metrics.items() if name not in names})


def _decode(content):
    return Reading(content["read_at"], {name: OwnMetric(**metric) for name, metric in content["metrics"].items()})


class PublishedReadings(Published):
    """The own metrics of all databases of an instance, as files in ``directory``."""

    def __init__(self, directory, *damaged):
        super().__init__(directory, "own-", _decode, *damaged)

    def publish(self, database, reading):
        """Replace the :class:`Reading` of ``database`` (str); readers see the old or the new one.

        :raises OSError: when it can't be written.
        """
        super().publish(database, asdict(reading))
