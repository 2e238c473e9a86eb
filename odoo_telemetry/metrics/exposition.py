"""The exposition: what is stored and what is read at scrape time, as text or as prometheus_client's families.

See https://prometheus.io/docs/instrumenting/exposition_formats/ for the two formats.
"""

import functools
import gzip
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Exemplar
from werkzeug.datastructures import Accept, MIMEAccept
from werkzeug.http import parse_accept_header

from . import catalogue, clock, collectors, facts, lines, store
from .catalogue import DATABASE_READ_AGE, DATABASE_READ_DURATION, SCRAPE_DURATION
from .clock import STALE_AFTER_SECONDS
from .exemplars import Exemplar as Noted
from .instruments import Counter, Histogram
from .known import known_labels
from .metric import METRICS, Metric, Scope
from .reader import Sums
from .settings import Settings
from .values import Key

GROUPS = ("fast", "system", "business")
NO_DATABASE = "none"
"""The label ``database`` of requests that were answered without one."""
_TEXT, _OPENMETRICS = "text/plain", "application/openmetrics-text"
_OTHER_ESCAPING = ("escaping=dots", "escaping=values")

_Labels = tuple[str, ...]
_Exemplars = Mapping[tuple[str, str | None, _Labels], Mapping[str, Noted]]
_Read = dict[str | None, dict[_Labels, Any]]
"""What was read of a metric, by database and label values: a number, of a histogram {sample: number}."""
_Created = Mapping[str, Mapping[tuple[str, _Labels], float]]
"""When series of facts appeared, by database, metric and label values."""


class Part(NamedTuple):
    """The series of one metric in one database (None: the instance), at one moment.

    series: label values.
    values: what the lines of the series show, one series after the other.
    lines: the text of each line up to its value, in the order of `values`.
    created: of each series the line that says when it appeared, or ''; nothing if they were not asked for.
    """

    metric: Metric
    database: str | None
    series: list[_Labels]
    lines: list[str]
    values: list[float]
    created: list[str]

    @property
    def width(self) -> int:
        """How many lines each series has."""
        return len(self.values) // len(self.series)


class _Layout:
    """The lines of all stored series, by metric and database; they are made when a series appears."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._generation: object = None
        self._placed = 0
        self._blocks: dict[tuple[str, str | None], lines.Block] = {}

    def blocks(self, sums: Sums) -> tuple[dict[tuple[str, str | None], lines.Block], list[float]]:
        """Return ({(metric name, database): block}, values); a block holds indexes into the values.

        The caller holds the lock for as long as it uses a block.

        :param sums: the store's sums; a series that another thread has placed from a newer reading is 0 here
        """
        if sums.generation is not self._generation:
            self._generation, self._placed, self._blocks = sums.generation, 0, {}
        for number in range(self._placed, len(sums.values)):
            name, database, labels, sample = sums.keys[number]
            block = self._blocks.get((name, database))
            if block is None:
                label_of = functools.partial(_labels, METRICS[name], database)
                block = self._blocks[name, database] = lines.Block(METRICS[name], label_of)
            block.place(labels, sample, number)
        self._placed = max(self._placed, len(sums.values))
        # one more, for what a series lacks
        return self._blocks, [*sums.values, *[0.0] * (self._placed + 1 - len(sums.values))]


_layout = _Layout()


def _after_fork() -> None:
    # a thread that the child lacks may have held its lock
    global _layout
    _layout = _Layout()


os.register_at_fork(after_in_child=_after_fork)


class Families:
    """The families of one scrape: a collector in prometheus_client's sense.

    :param databases: {name: Settings} of the databases to show; the whole scrape is about these, whatever is published
        or withdrawn meanwhile
    :param groups: the groups to show
    :param names: series names to show, or empty for all; a counter may also be given by its family name
    :param created: whether to show in OpenMetrics when the series of counters and histograms appeared
    """

    def __init__(
        self,
        databases: Mapping[str, Settings],
        groups: Iterable[str] = GROUPS,
        names: Collection[str] = (),
        created: bool = False,
    ) -> None:
        self._databases = dict(databases)
        self._names = names
        self._shows_created = created
        self._read_once: dict[str, list[Part]] | None = None
        self._groups: dict[str | None, set[str]] = {
            database: set(groups).intersection(settings.groups) for database, settings in databases.items()
        }
        self._groups[None] = set().union(*self._groups.values())
        self._custom = {database: store.databases.custom(database).metrics for database in databases}
        self._described = {
            (name, database): metric.described()
            for database, metrics in self._custom.items()
            for name, metric in metrics.items()
        }

    def metric(self, name: str, database: str | None) -> Metric:
        """Return the metric of the series ``name`` in ``database`` (None: in the instance).

        :raises KeyError: when neither the catalogue nor the database's administrator defined it.
        """
        return METRICS.get(name) or self._described[name, database or NO_DATABASE]

    def collect(self) -> list[Family]:
        """Return the families: the catalogue's in its order, then custom ones."""
        exemplars = store.exemplars.read()
        return [_family(parts, exemplars) for parts in self._families()]

    def series(self, metric: Metric) -> list[tuple[dict[str, str], float]]:
        """Return ({label: value}, value) of each series of a counter or a gauge."""
        if self._read_once is None:
            self._read_once = {parts[0].metric.name: parts for parts in self._families()}
        return [
            (dict(_labels(part.metric, part.database, labels)), value)
            for part in self._read_once.get(metric.name, ())
            for labels, value in zip(part.series, part.values, strict=True)
        ]

    def text(self, openmetrics: bool) -> str:
        """Return the exposition in OpenMetrics 1.0, or in the text format 0.0.4 (str)."""
        exemplars = store.exemplars.read() if openmetrics else {}
        texts = []
        for parts in self._families():
            metric = parts[0].metric
            name = _family_name(metric.name, metric.kind) if openmetrics else metric.name
            texts.append(lines.header(name, metric.kind, metric.help, openmetrics))
            texts += [_text(part, exemplars, openmetrics) for part in parts]
            texts.append("\n")
        if openmetrics:
            texts.append("# EOF\n")
        return "".join(texts)

    # ------------------------------------------------------------------ values

    def _families(self) -> list[list[Part]]:
        """Return the parts of each family that has series."""
        started = time.perf_counter()
        sums = store.reader.sums()
        read = self._read(sums)
        families = []
        created = self._created() if self._shows_created else {}
        with _layout.lock:
            blocks, stored = _layout.blocks(sums)
            for name in (*METRICS, *sorted(read.keys() - METRICS.keys())):
                if name == SCRAPE_DURATION.name:
                    read[name] = {None: {(): time.perf_counter() - started}}
                parts = list(self._parts(name, blocks, stored, read.get(name, {})))
                if self._shows_created:
                    parts = [
                        part._replace(created=_created_lines(part, blocks, sums.appeared, created)) for part in parts
                    ]
                if parts:
                    families.append(parts)
        return families

    def _created(self) -> _Created:
        """Return when the series of facts appeared, by database."""
        return {
            database: {**facts.created(database), **facts.custom_created(database, self._custom[database].values())}
            for database in self._databases
        }

    def _parts(
        self, name: str, blocks: Mapping[tuple[str, str | None], lines.Block], stored: list[float], read: _Read
    ) -> Iterator[Part]:
        for database in (None, *self._databases):
            block, found = blocks.get((name, database)), read.get(database)
            if block or found:
                metric = self.metric(name, database)
                if metric.rows:
                    # facts are the ledger's; the store may have what was counted before there was one
                    block = None
                if (block or found) and self._wanted(metric, database):
                    yield _part(metric, database, block, stored, found)

    def _read(self, sums: Sums) -> dict[str, _Read]:
        """Return {metric name: {database: {labels: value}}} of all but the sums; a histogram's is {sample: value}."""
        values = dict(sums.gauges)
        for database in self._databases:
            values.update(facts.values(database))
        for metric, of, labels, value in collectors.collect(self._groups[None], self._databases):
            values[metric.name, of, labels, ""] = value
        values[catalogue.SERIES.name, None, (), ""] = len(sums.values) + len(sums.gauges)
        values[catalogue.SLOTS.name, None, (), ""] = store.directory.slot_count()
        for (of, label), number in store.limits.counts().items():
            values[catalogue.LABEL_VALUES.name, of, (label,), ""] = number
        for database, settings in self._databases.items():
            for threshold, value in settings.thresholds.items():
                if catalogue.is_threshold_exported(threshold, settings):
                    values[catalogue.THRESHOLD_VALUE.name, database, (threshold,), ""] = value
        self._drop_stale(values, sums.stamps)
        self._add_custom(values)
        read: dict[str, _Read] = {}
        for (name, of, labels, sample), value in values.items():
            series = read.setdefault(name, {}).setdefault(of, {})
            if sample:
                series.setdefault(labels, {})[sample] = value
            else:
                series[labels] = value
        return read

    def _drop_stale(self, values: dict[Key, float], stamps: Mapping[Key, float]) -> None:
        for key, stamp in stamps.items():
            if clock.age(stamp) > STALE_AFTER_SECONDS and METRICS[key[0]].scope == "database":
                del values[key]
        for database in self._databases:
            # facts are read by themselves, and either reading may fail alone
            read = [stamps.get((DATABASE_READ_DURATION.name, database, (), "")), facts.published(database)[1]]
            if known := [stamp for stamp in read if stamp]:
                # of a reading before the boot, only its minimum age is known
                values[DATABASE_READ_AGE.name, database, (), ""] = min(max(map(clock.age, known)), clock.now())

    def _add_custom(self, values: dict[Key, float]) -> None:
        """Add the custom metrics; one that another database defines as another type is not exported."""
        now = clock.now()
        kinds: dict[str, str] = {}
        for database, metrics in self._custom.items():
            for name, metric in metrics.items():
                if kinds.setdefault(_family_name(name, metric.kind), metric.kind) != metric.kind:
                    store.errors.count(
                        "custom_metric",
                        "%s of the database %s is a %s, but another type in another database; it is not exported",
                        name,
                        database,
                        metric.kind,
                    )
                    continue
                values.update(facts.custom_values(database, [metric]))
                if metric.is_current(now):
                    values.update({(name, database, labels, ""): value for labels, value in metric.shown(now).items()})

    def _wanted(self, metric: Metric, database: str | None) -> bool:
        if database is None and metric.scope == "database" and NO_DATABASE in self._databases:
            return False
        if database is not None and (
            metric.scope == "instance" or not catalogue.is_exported(metric, self._databases[database])
        ):
            return False
        family = _family_name(metric.name, metric.kind)
        return metric.group in self._groups[database] and (
            not self._names or metric.name in self._names or family in self._names
        )


def _labels(metric: Metric, database: str | None, values: _Labels) -> tuple[tuple[str, str], ...]:
    """Return the labels of a series as a tuple of (name, value)."""
    labels = zip(metric.label_names, values, strict=True)
    return (*labels, ("database", database or NO_DATABASE)) if metric.scope == "database" else tuple(labels)


def _part(
    metric: Metric,
    database: str | None,
    block: lines.Block | None,
    stored: list[float],
    read: Mapping[_Labels, Any] | None,
) -> Part:
    """Return the part of ``block``; values in ``read`` override the stored ones."""
    series: list[_Labels] = []
    texts: list[str] = []
    values: list[float] = []
    places: Mapping[_Labels, int] = {}
    if block:
        series, texts, values, places = list(block.series), list(block.lines), block.values(stored), block.series
    if read:
        for labels, value in read.items():
            shown = _shown(metric, value)
            at = places.get(labels)
            if at is None:
                series.append(labels)
                texts += lines.known_lines(metric, _labels(metric, database, labels))
                values += shown
            else:
                values[at * len(shown) : (at + 1) * len(shown)] = shown
    return Part(metric, database, series, texts, values, [])


def _created_lines(
    part: Part,
    blocks: Mapping[tuple[str, str | None], lines.Block],
    appeared: list[float],
    created: _Created,
) -> list[str]:
    """Return the lines that say when the series of ``part`` appeared: of stored ones first, then of those of facts."""
    metric, database, block = part.metric, part.database, blocks.get((part.metric.name, part.database))
    if metric.kind == "gauge":
        return []
    found = block.created_lines(appeared) if block and not metric.rows else []
    since = created.get(database or "", {})
    return found + [
        lines.known_created_line(metric, _labels(metric, database, labels), since.get((metric.name, labels), 0.0))
        for labels in part.series[len(found) :]
    ]


def _shown(metric: Metric, value: Any) -> list[float]:
    if metric.kind != "histogram":
        return [value]
    buckets = [value.get(str(bound), 0.0) for bound in metric.bounds]
    return lines.shown_values([*buckets, value.get("sum", 0.0)], len(buckets) + 1)


def _text(part: Part, exemplars: _Exemplars, openmetrics: bool) -> str:
    parts = [""] * (2 * len(part.values))
    parts[0::2] = part.lines
    parts[1::2] = map(lines.number_text, part.values)
    if exemplars and part.metric.kind == "histogram":
        for at, labels in enumerate(part.series):
            found = exemplars.get((part.metric.name, part.database, labels), {})
            for place, bound in enumerate(part.metric.bounds):
                if str(bound) in found:
                    parts[2 * (at * part.width + place) + 1] += lines.exemplar_text(found[str(bound)])
    for at, line in enumerate(part.created if openmetrics else (), start=1):
        parts[2 * at * part.width - 1] += line
    return "".join(parts)


def _family(parts: list[Part], exemplars: _Exemplars) -> Family:
    metric = parts[0].metric
    family = Family(_family_name(metric.name, metric.kind), metric.help, metric.kind)
    for part in parts:
        for at, values in enumerate(part.series):
            labels = dict(_labels(part.metric, part.database, values))
            numbers = part.values[at * part.width : (at + 1) * part.width]
            if metric.kind == "histogram":
                found = exemplars.get((metric.name, part.database, values), {})
                _add_histogram(family, labels, numbers, metric.bounds, found)
            else:
                [number] = numbers
                family.add_sample(metric.name, labels, number)
    return family


def _add_histogram(
    family: Family,
    labels: dict[str, str],
    numbers: list[float],
    bounds: tuple[float, ...],
    exemplars: Mapping[str, Noted],
) -> None:
    *buckets, count, total = numbers
    for bound, number in zip(bounds, buckets, strict=True):
        noted = exemplars.get(str(bound))
        exemplar = noted and Exemplar({"trace_id": noted.trace_id}, noted.value, noted.time)
        family.add_sample(f"{family.name}_bucket", {**labels, "le": lines.bound_text(bound)}, number, exemplar=exemplar)
    family.add_sample(f"{family.name}_count", labels, count)
    family.add_sample(f"{family.name}_sum", labels, total)


def _family_name(name: str, kind: str) -> str:
    return name.removesuffix("_total") if kind == "counter" else name


def encode(families: Families, accept: str, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """Return (body bytes, headers dict) of ``families`` in the format and coding that the scraper accepts.

    :param Families families: what to encode
    :param str accept: the ``Accept`` header; OpenMetrics or text
    :param str accept_encoding: the ``Accept-Encoding`` header; gzip or none
    :raises ValueError: the scraper accepts neither coding
    """
    compressed = _accepts_gzip(accept_encoding)
    encoder, content_type = _choose_format(accept)
    if content_type.endswith(_OTHER_ESCAPING):
        # no scraper requests these by default; the other escapings leave the names as they are
        body = encoder(families)
    else:
        body = families.text(content_type.startswith("application/openmetrics-text")).encode()
    headers = {"Content-Type": content_type}
    if compressed:
        body = gzip.compress(body, compresslevel=1)
        headers["Content-Encoding"] = "gzip"
    return body, headers


def _choose_format(accept: str) -> tuple[Callable[[Any], bytes], str]:
    """Return (encoder, content type) of the format that RFC 9110, 12.5.1, finds best; text where none is accepted."""
    ranges = [
        (value, value.partition(";")[0].strip(), quality)
        for value, quality in parse_accept_header(accept.lower(), MIMEAccept)
    ]
    quality, _specific, value = max(map(_preference, (_TEXT, _OPENMETRICS), [ranges] * 2), key=lambda one: one[:2])
    if not quality:
        value = ""
    try:
        return choose_encoder(value)
    except TypeError:
        # the version is not numeric
        return choose_encoder(value.partition(";")[0])


def _preference(offered: str, ranges: list[tuple[str, str, float]]) -> tuple[float, int, str]:
    """Return (quality, specificity of the range that sets it, value to choose the encoder by) of a media type."""
    for specific, wanted in ((2, offered), (1, f"{offered.partition('/')[0]}/*"), (0, "*/*")):
        matching = [(quality, value) for value, kind, quality in ranges if kind == wanted]
        if matching:
            quality, value = max(matching, key=lambda one: one[0])
            return quality, specific, value if specific == 2 else offered
    return 0, 0, offered


def _accepts_gzip(accept_encoding: str) -> bool:
    """Return whether gzip is what RFC 9110, 12.5.3, finds best; raise ValueError if neither it nor identity will do."""
    codings = parse_accept_header(accept_encoding.lower().replace("x-gzip", "gzip"), Accept)
    gzipped = codings.quality("gzip")
    listed = {coding for coding, _quality in codings}
    if listed.isdisjoint({"identity", "*"}):
        return gzipped > 0
    identity = codings.quality("identity")
    if not gzipped and not identity:
        raise ValueError("Metrics are sent with gzip or without an encoding.")
    return gzipped > 0 and gzipped >= identity


def start_at_zero(database: str | None) -> None:
    """Make the series of ``database`` (or None: the instance) whose labels are few and known start at 0."""
    scope: Scope = "instance" if database is None else "database"
    settings = store.databases.settings().get(database or "") or Settings()
    for metric in METRICS.values():
        if not isinstance(metric, Counter | Histogram) or metric.rows or metric.scope != scope:
            continue
        if metric.producer in ("odoo", "browser") and catalogue.is_exported(metric, settings):
            for labels in known_labels(metric):
                metric.start(database=database, **dict(zip(metric.label_names, labels, strict=True)))
