"""The values of thresholds/, checked: an invalid one is refused before any rule is written."""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from .rules import Alert

FOLDER = Path(__file__).parents[1] / "thresholds"

Content = dict[str, dict[str, dict[str, Any]]]
"""Values by section, entry and name."""

_TOKEN = re.compile(r"<(\w+)>")
_DURATION = re.compile(r"(?:\d+[smhdw])+")


class ThresholdError(Exception):
    """A value in thresholds/ that no rule can be made of; the message names it and the remedy."""


def read(folder: Path = FOLDER) -> Content:
    """Return the content of all files of a folder.

    :raises ThresholdError: when one is not YAML, or has an entry that another one has
    """
    content: Content = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            sections = yaml.safe_load(path.read_text())
        except yaml.YAMLError as error:
            raise ThresholdError(f"{path.name} can't be read: {error}\nFix that line.") from error
        if not isinstance(sections, dict):
            raise ThresholdError(f"{path.name} has nothing in it, or a list: take it from the repository again.")
        for section, entries in sections.items():
            known = content.setdefault(section, {})
            for name in known.keys() & (entries or {}):
                raise ThresholdError(f"{section}.{name} is in {path.name} and in another file: remove it from one.")
            known.update(entries or {})
    return content


class Thresholds:
    """The sections of thresholds/: `alerts`, `working_hours`, `objectives` and `links`."""

    def __init__(self, content: Content):
        self._content = content
        self._used: set[tuple[str, str]] = set()

    def apply(self, alert: Alert) -> Alert:
        """Return the alert with its thresholds put in.

        :raises ThresholdError: when one is missing, unknown or invalid.
        """
        values = self.section("alerts", alert.name, {*_TOKEN.findall(alert.expr), "for"})
        return replace(
            alert,
            expr=_put_in(alert.expr, values),
            summary=_put_in(alert.summary, values, shown),
            description=_put_in(alert.description, values, shown),
            pending_for=values["for"] if re.search("[1-9]", values["for"]) else "",
        )

    def check_pairs(self, alerts: Iterable[Alert]) -> None:
        """Check that each warning is reached before the critical alert that it is a pair with.

        :raises ThresholdError: when one is not.
        """
        paired = [alert for alert in alerts if alert.pair]
        critical = {alert.pair: alert.name for alert in paired if alert.severity == "critical"}
        for warning in paired:
            if warning.severity == "warning":
                self._check_pair(warning.name, critical[warning.pair])

    def _check_pair(self, warning: str, critical: str) -> None:
        first, second = (self._content["alerts"][name] for name in (warning, critical))
        for name in first.keys() & second.keys() - {"for"}:
            earlier, later = (first, second) if name.startswith("above") else (second, first)
            if earlier[name] >= later[name]:
                raise ThresholdError(
                    f"alerts.{warning}.{name} is {first[name]}, and that of {critical} is {second[name]}: "
                    "a warning threshold must be reached before the critical one. Change the first."
                )

    def section(self, section: str, name: str, wanted: set[str]) -> dict[str, Any]:
        """Return the values `wanted` of an entry of a section.

        :raises ThresholdError: when the entry is missing, has others or lacks one of them, or when a value is invalid.
        """
        entries = self._content.get(section)
        if not isinstance(entries, dict):
            raise ThresholdError(f"there is no section `{section}:`. Take it from the repository again.")
        values = entries.get(name)
        if not isinstance(values, dict):
            example = ", ".join(f"{key}: …" for key in sorted(wanted))
            raise ThresholdError(f"{section}.{name} is missing: add `{name}: {{{example}}}` below `{section}:`.")
        self._used.add((section, name))
        for key in values.keys() - wanted:
            raise ThresholdError(f"{section}.{name}.{key} is not known. Remove {key}{_meant(key, wanted)}.")
        for key in sorted(wanted - values.keys()):
            raise ThresholdError(f"{section}.{name}.{key} is missing: add it.")
        for key, value in values.items():
            _check(f"{section}.{name}.{key}", key, value)
        return values

    def values(self, alert: str) -> dict[str, float]:
        """Return what an alert compares with, by name; nothing of one about an error budget."""
        values = self._content["alerts"].get(alert, {})
        return {name: value for name, value in values.items() if name != "for"}

    def limit(self, alert: str) -> tuple[str, float] | None:
        """Return the side on which an alert fires, `above` or `below`, and its threshold; None if it has no threshold.

        :raises KeyError: when there is no such alert, or it is about an error budget.
        """
        for key, value in self._content["alerts"][alert].items():
            if key.startswith(("above", "below")):
                return key.split("_")[0], value
        return None

    def objective(self, name: str) -> float:
        """Return how many percent of an objective's events must be good."""
        return float(self._content["objectives"][name]["good_percent"])

    def refuse_unused(self) -> None:
        """Raise ThresholdError for an entry that no rule has asked for."""
        known = {name for _, name in self._used}
        for section, entries in self._content.items():
            for name in entries:
                if (section, name) not in self._used:
                    raise ThresholdError(f"no rule uses {section}.{name}. Remove {name}{_meant(name, known)}.")


def _check(path: str, key: str, value: Any) -> None:
    if key == "for":
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
            raise ThresholdError(
                f"{path} is {value!r}, which is not a duration: give a number with its unit, as 90s, 15m, 1h or 2d."
            )
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ThresholdError(f"{path} is {value!r}, which is not a number of 0 or more: give one, without a unit.")
    elif key.endswith("percent") and value > 100:
        raise ThresholdError(f"{path} is {value}, and there is no more than 100%: give a number from 0 to 100.")
    elif key == "bytes_per_second" and value == 0:
        raise ThresholdError(f"{path} is 0, and is a divisor: give a number of more than 0.")
    elif key == "good_percent" and value == 100:
        raise ThresholdError(f"{path} is 100, which leaves no error budget: give a number of less than 100.")


def _meant(key: str, known: set[str]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f", or rename it to {close[0]}" if close else ""


def _put_in(
    text: str, values: dict[str, Any], write: Callable[[str, float], str] = lambda _, value: number(value)
) -> str:
    return _TOKEN.sub(lambda match: write(match[1], values[match[1]]), text)


def number(value: float) -> str:
    """Return a number as Prometheus reads it and as people do: without an exponent."""
    return f"{value:.10f}".rstrip("0").rstrip(".")


_LENGTHS = {"days": 86400, "hours": 3600, "minutes": 60}
"""Seconds of the units of time that texts use beside seconds."""


def shown(key: str, value: float) -> str:
    """Return the threshold `key` as texts show it: a duration with its unit, other numbers with separators.

    >>> shown("above_seconds", 900), shown("above_seconds", 0.5), shown("within_hours", 1), shown("above", 10000)
    ('15 minutes', '0.5 s', '1 hour', '10,000')
    """
    unit = key.rpartition("_")[2]
    if unit == "seconds" and value >= 120:
        unit = next(name for name, length in _LENGTHS.items() if value % length == 0 and name != "days")
        value /= _LENGTHS[unit]
    text = f"{int(value):,}" if value == int(value) else number(value)
    if unit == "seconds":
        return f"{text} s"
    return f"{text} {unit if value != 1 else unit.removesuffix('s')}" if unit in _LENGTHS else text
