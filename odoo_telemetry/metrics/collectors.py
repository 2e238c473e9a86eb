"""Collectors: functions that the scraped worker calls at scrape time."""

from collections.abc import Callable, Collection, Iterable, Iterator

from . import store
from .instruments import Gauge, Sample
from .metric import Group

Collector = Callable[[str | None], Iterable[Sample]]

_groups: dict[Collector, Group] = {}


def add(function: Collector, group: Group) -> None:
    """Call ``function(database)`` for samples whenever ``group`` is scraped.

    It is called with None for what belongs to the instance, then for each database.
    """
    _groups[function] = group


def remove(function: Collector) -> None:
    """Undo :func:`add`."""
    _groups.pop(function, None)


def collect(
    groups: Collection[str], databases: Iterable[str]
) -> Iterator[tuple[Gauge, str | None, tuple[str, ...], float]]:
    """Yield (gauge, database, label values, value) of all that is read for ``groups`` and ``databases``."""
    for function, group in list(_groups.items()):
        if group not in groups:
            continue
        for database in (None, *databases):
            try:
                for sample in function(database):
                    labels = tuple(map(str, sample.gauge.label_values(sample.labels)))
                    yield sample.gauge, database, labels, sample.value
            except Exception as exception:
                name = getattr(function, "__qualname__", repr(function))
                store.errors.count("scrape", "%s failed: %s", name, exception)
