"""Facts as they were last read from the ledger of each database, published for all workers of an instance.

They are exported while a database can't be read, and they are the lower bound of the next reading, so that exported
counters never decrease, not even after a restore of the database.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from . import clock, store
from .clock import STALE_AFTER_SECONDS
from .custom import CustomMetric
from .metric import METRICS
from .values import Key

Fact = tuple[str, tuple[str, ...], str]
"""What a value is of: metric, label values, and the part of a histogram or ''."""
_AsOf = tuple[float | None, list[str]]

_Created = dict[tuple[str, tuple[str, ...]], float]

_known: dict[str, tuple[tuple[int, int], tuple[dict[Fact, float], float | None], _AsOf, _Created]] = {}
"""{database: (identity of the file, and what :func:`published`, :func:`as_of` and :func:`created` return)}: a file is
replaced and never changed, so each is read once."""


def _path(database: str) -> Path:
    return store.directory.path / f"facts-{quote(database, safe='')}.json"


def published(database: str) -> tuple[Mapping[Fact, float], float | None]:
    """Return {(metric, labels, sample): value} of ``database`` (str) as last published, and when it was read.

    :return: ({}, None) if it never was; else the time as :func:`.clock.now` returned it
    """
    try:
        path = _path(database)
        stat = os.stat(path)
        identity, known = (stat.st_ino, stat.st_mtime_ns), _known.get(database)
        if known is None or known[0] != identity:
            content = json.loads(path.read_text())
            values = {(name, tuple(labels), sample): value for name, labels, sample, value in content["values"]}
            moment, complete = content["as_of"]
            # a former version wrote none
            since = {(name, tuple(labels)): created for name, labels, created in content.get("created", ())}
            known = _known[database] = identity, (values, content["read_at"]), (moment, complete), since
        return known[1]
    except FileNotFoundError:
        return {}, None
    except (OSError, ValueError, KeyError, TypeError) as exception:
        store.errors.count("damaged", "the facts of %s can't be read: %s", database, exception)
        return {}, None


def floor(database: str) -> dict[Fact, float]:
    """Return {(metric, labels, sample): value} below which no counter of ``database`` may be shown."""
    values, read_at = published(database)
    if read_at is None:
        # before there was a ledger, facts were counted in the store
        values = {
            (name, labels, sample): value
            for (name, of, labels, sample), value in store.reader.values()[0].items()
            if of == database and METRICS[name].rows
        }
    return {key: value for key, value in values.items() if _never_falls(key[0]) and _is_declared(*key)}


def as_of(database: str) -> _AsOf:
    """Return when the values of :func:`floor` of ``database`` (str) were read, and which metrics were complete.

    Call it after :func:`floor`: a newer answer is harmless, an older one is not.

    :return: the moment, Unix seconds by PostgreSQL's clock, or None if there is none; and the list of the metrics that
        were complete then
    """
    published(database)
    return _known[database][2] if database in _known else (None, [])


def created(database: str) -> _Created:
    """Return {(metric, labels): creation time, Unix seconds} of the series of ``database`` (str) that have appeared.

    It is the last time at which the series was missing. Series of the first reading of their metric have none.
    """
    _values, read_at = published(database)
    return {} if read_at is None else _known[database][3]


def publish(database: str, read: Mapping[Fact, float], moment: float, complete: Iterable[str]) -> None:
    """Make {(metric, labels, sample): value} known to all workers, each counter at least at what was published before.

    :param float moment: when they were read, Unix seconds by the clock of PostgreSQL
    :param list complete: names of the metrics that are complete
    :raises OSError: when that can't be written
    """
    with _only_writer(database):
        values = dict(read)
        for key, value in floor(database).items():
            values[key] = max(values.get(key, 0.0), value)
        before, known = as_of(database)
        since, (last, read_at) = dict(created(database)), published(database)
        if before and read_at is not None:
            there = {(name, labels) for name, labels, _sample in last}
            appeared = {(name, labels) for name, labels, _sample in values if name in known} - there
            since.update(dict.fromkeys(appeared, before))
        _write(database, values, clock.now(), (max(moment, before or moment), sorted({*complete, *known})), since)


def forget(database: str, is_gone: Callable[[str], bool]) -> None:
    """Forget the metrics of ``database`` (str) that are no longer counted.

    :param is_gone: function of the name of a metric, as the ledger has it
    :raises OSError: when that can't be written
    """
    with _only_writer(database):
        values, read_at = published(database)
        if read_at is not None:
            left = {key: value for key, value in values.items() if not is_gone(key[0])}
            if len(left) < len(values):
                since = {key: moment for key, moment in created(database).items() if not is_gone(key[0])}
                _write(database, left, read_at, as_of(database), since)


@contextlib.contextmanager
def _only_writer(database: str) -> Iterator[None]:
    fd = os.open(_path(database).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _write(database: str, values: Mapping[Fact, float], read_at: float, known: _AsOf, since: _Created) -> None:
    path = _path(database)
    content = {
        "read_at": read_at,
        "as_of": known,
        "values": [(*key, value) for key, value in values.items()],
        "created": [(*key, moment) for key, moment in since.items()],
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(json.dumps(content))
    temporary.replace(path)


def values(database: str) -> dict[Key, float]:
    """Return {(metric, database, labels, sample): value} of ``database`` (str) as they are to be shown.

    A histogram's samples are 'sum' and, not cumulative, its buckets' upper bounds.
    """
    known, read_at = published(database)
    fresh = read_at is not None and clock.age(read_at) <= STALE_AFTER_SECONDS
    return {
        (name, database, labels, sample): value
        for (name, labels, sample), value in known.items()
        if name in METRICS and (fresh or _never_falls(name))
    }


def custom_values(database: str, metrics: Iterable[CustomMetric]) -> dict[Key, float]:
    """Return :func:`values` of the custom counters among ``metrics``, an iterable of :class:`.custom.CustomMetric`."""
    amounts: dict[str, dict[tuple[str, ...], float]] = {}
    for (name, labels, _sample), value in published(database)[0].items():
        amounts.setdefault(name, {})[labels] = value
    return {
        (metric.name, database, labels, ""): value
        for metric in metrics
        if metric.kind == "counter"
        for labels, value in metric.named(amounts.get(metric.ledger, {})).items()
    }


def custom_created(database: str, metrics: Iterable[CustomMetric]) -> _Created:
    """Return :func:`created` of the custom counters among ``metrics``; one that adds up several has the earliest."""
    found: _Created = {}
    since = created(database)
    for metric in metrics:
        raws = {labels for name, labels, _sample in published(database)[0] if name == metric.ledger}
        for raw in raws if metric.kind == "counter" else ():
            for labels in metric.named({raw: 0.0}):
                moment = since.get((metric.ledger, raw), 0.0)
                found[metric.name, labels] = min(moment, found.get((metric.name, labels), moment))
    return found


def _is_declared(name: str, labels: Collection[str], sample: str) -> bool:
    """Return whether the catalogue still has such a series: another addon version may have published it."""
    metric = METRICS.get(name)
    if metric is None:
        return True
    samples = ("sum", *map(str, metric.bounds)) if metric.kind == "histogram" else ("",)
    return len(labels) == len(metric.labels) and sample in samples


def _never_falls(name: str) -> bool:
    metric = METRICS.get(name)
    return metric is None or metric.kind != "gauge"
