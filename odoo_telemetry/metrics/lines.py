"""Lines of the exposition: everything but the values, made once for each series, and the values as text.

Names and labels of a series do not change between scrapes, and most of its values are numbers that were shown before.
Formats: https://prometheus.io/docs/instrumenting/exposition_formats/ and OpenMetrics 1.0. What is written is, byte by
byte, what prometheus_client's encoders write.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter

from prometheus_client.utils import floatToGoString

from .exemplars import Exemplar
from .metric import Metric

INFINITY = float("inf")
_MOST_NUMBERS = 1 << 16
_MOST_LINES = 1 << 13


class _Texts(dict[float, str]):
    """Numbers as text: those that were asked for lately."""

    def __missing__(self, number: float) -> str:
        if len(self) >= _MOST_NUMBERS:
            self.clear()
        # 0.0 and -0.0 are one key
        text: str = floatToGoString(number or 0.0)  # type: ignore[no-untyped-call]
        self[number] = text
        return text


number_text = _Texts().__getitem__
"""Return a number (int or float) as the formats have it."""


def bound_text(bound: float) -> str:
    """Return a bucket's upper bound (float) as the label ``le`` has it."""
    return "+Inf" if bound == INFINITY else repr(bound)


def escape(text: str, quotes: bool = True) -> str:
    """Return ``text`` escaped as a label value or as a help text.

    For a help text in the text format, ``quotes`` is False.
    """
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


def _line(name: str, labels: Mapping[str, str]) -> str:
    text = ",".join([f'{label}="{escape(value)}"' for label, value in sorted(labels.items())])
    return f"\n{name}{{{text}}} " if text else f"\n{name} "


def lines(metric: Metric, labels: Mapping[str, str]) -> list[str]:
    """Return the text of a series without its values: each item starts with a newline and ends before the value.

    :param labels: {name: value}
    :return: one line; of a histogram those of its buckets, of ``_count`` and of ``_sum``
    """
    if metric.kind != "histogram":
        return [_line(metric.name, labels)]
    buckets = [_line(f"{metric.name}_bucket", {**labels, "le": bound_text(bound)}) for bound in metric.bounds]
    return [*buckets, _line(f"{metric.name}_count", labels), _line(f"{metric.name}_sum", labels)]


@lru_cache(_MOST_LINES)
def known_lines(metric: Metric, labels: tuple[tuple[str, str], ...]) -> list[str]:
    """Return :func:`lines` of ``labels`` (tuple of (name, value)), cached."""
    return lines(metric, dict(labels))


def created_line(metric: Metric, labels: Mapping[str, str], created: float) -> str:
    """Return the line that says when a series appeared, without its end; '' if that is not known.

    :param labels: {name: value}
    :param created: Unix time, or 0
    """
    return _line(f"{metric.name.removesuffix('_total')}_created", labels) + f"{created:.3f}" if created else ""


@lru_cache(_MOST_LINES)
def known_created_line(metric: Metric, labels: tuple[tuple[str, str], ...], created: float) -> str:
    """Return :func:`created_line` of ``labels`` (tuple of (name, value)), cached."""
    return created_line(metric, dict(labels), created)


def header(name: str, kind: str, text: str, openmetrics: bool) -> str:
    """Return the lines before the first sample of a family, without the end of the last one.

    :param str name: of the family: in OpenMetrics a counter's is without ``_total``
    :param str text: its help
    """
    return f"# HELP {name} {escape(text, quotes=openmetrics)}\n# TYPE {name} {kind}"


def exemplar_text(exemplar: Exemplar) -> str:
    """Return what follows the value of a bucket that has an :class:`.exemplars.Exemplar`."""
    return f' # {{trace_id="{exemplar.trace_id}"}} {number_text(exemplar.value)} {exemplar.time}'


class Block:
    """The series of one metric in one database that the store holds, in the order in which they appeared.

    :param label_of: function of label values that returns pairs of name and value
    """

    def __init__(self, metric: Metric, label_of: Callable[[tuple[str, ...]], tuple[tuple[str, str], ...]]) -> None:
        self.metric, self._label_of = metric, label_of
        self.series: dict[tuple[str, ...], int] = {}
        self.lines: list[str] = []
        self._samples = {bound: place for place, bound in enumerate(map(str, metric.bounds))}
        self._samples["sum"] = len(self._samples)
        self._numbers: list[int] = []
        self._created: tuple[list[float], list[str]] = [], []
        self._gather: Callable[[Sequence[float]], tuple[float, ...]] | None = None

    def place(self, labels: tuple[str, ...], sample: str, number: int) -> None:
        """Take the ``number``-th of the store's sums as a value of the series with ``labels`` (tuple of str)."""
        width = len(self._samples) if self.metric.kind == "histogram" else 1
        at = self.series.get(labels)
        if at is None:
            at = self.series[labels] = len(self.series)
            self.lines += lines(self.metric, dict(self._label_of(labels)))
            # -1: one that is missing
            self._numbers += [-1] * width
        offset = self._samples.get(sample) if width > 1 else 0
        if offset is not None:
            self._numbers[at * width + offset] = number
            self._gather = None

    def created_lines(self, appeared: Sequence[float]) -> list[str]:
        """Return :func:`created_line` of each of ``series``, given the times at which the store's sums appeared."""
        # the last number of a series is that of a histogram's sum
        width = len(self._samples) if self.metric.kind == "histogram" else 1
        created = [appeared[number] if number >= 0 else 0.0 for number in self._numbers[width - 1 :: width]]
        if created != self._created[0]:
            each = zip(self.series, created, strict=True)
            texts = [created_line(self.metric, dict(self._label_of(labels)), moment) for labels, moment in each]
            self._created = created, texts
        return self._created[1]

    def values(self, sums: Sequence[float]) -> list[float]:
        """Return the values of ``lines``, taken from the store's ``sums``, which must be followed by a 0.0."""
        # the extra index makes it return a tuple even for a single number
        self._gather = self._gather or itemgetter(*self._numbers, -1)
        found = self._gather(sums)[:-1]
        return shown_values(found, len(self._samples)) if self.metric.kind == "histogram" else list(found)


def shown_values(found: Sequence[float], width: int) -> list[float]:
    """Return the values that the lines of histograms show.

    :param found: of each series, ``width`` numbers: observations by bucket, and their sum
    """
    shown: list[float] = []
    for at in range(0, len(found), width):
        shown += accumulate(found[at : at + width - 1])
        shown += shown[-1], found[at + width - 1]
    return shown
