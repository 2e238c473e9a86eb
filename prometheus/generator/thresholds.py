"""What thresholds.yml says, checked: a figure that can't be meant is refused before any rule is written."""

import difflib
import re
from dataclasses import replace
from pathlib import Path

import yaml

from .rules import Alert

FILE = Path(__file__).parents[1] / "thresholds.yml"

_TOKEN = re.compile(r"<(\w+)>")
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_WORSE = {"High": "Critical", "Low": "Critical", "Busy": "Saturated"}
"""How the names of a warning and of the critical alert about the same thing end."""


class Refused(Exception):
    """A value of thresholds.yml that no rule can be made of; the message names it and the remedy."""


class Thresholds:
    """The sections of thresholds.yml: `alerts`, `working_hours`, `objectives` and `links`."""

    def __init__(self, content: dict):
        self._content = content
        self._used: set[tuple[str, str]] = set()
        if not isinstance(content, dict):
            raise Refused("there is nothing in it, or a list: take it from the repository again.")

    @classmethod
    def read(cls, path: Path = FILE) -> "Thresholds":
        """Return what the file says.

        :raises Refused: when it is no YAML.
        """
        try:
            return cls(yaml.safe_load(path.read_text()))
        except yaml.YAMLError as error:
            raise Refused(f"it can't be read: {error}\nMend that line.") from error

    def apply(self, alert: Alert) -> Alert:
        """Return the alert with its thresholds put in.

        :raises Refused: when one is missing, is not one of its, or can't be meant.
        """
        names = set(_TOKEN.findall(alert.expr))
        values = self.section("alerts", alert.name, {*names, "for"})
        for worse, warning in ((alert.name.replace(mild, grave), mild) for mild, grave in _WORSE.items()):
            other = self._content["alerts"].get(worse)
            if alert.name.endswith(warning) and isinstance(other, dict):
                for name in names & other.keys():
                    if isinstance(other[name], int | float) and values[name] >= other[name]:
                        raise Refused(
                            f"alerts.{alert.name}.{name} is {values[name]}, and that of {worse} is "
                            f"{other[name]}: a warning must come before what is critical. Lower the first."
                        )
        return replace(
            alert,
            expr=_put_in(alert.expr, values),
            description=_put_in(alert.description, values),
            lasting=values["for"] if re.search("[1-9]", values["for"]) else "",
        )

    def section(self, section: str, name: str, wanted: set[str]) -> dict:
        """Return the values `wanted` of an entry of a section.

        :raises Refused: when the entry is missing, has others or lacks one of them, or when a value can't be meant.
        """
        entries = self._content.get(section)
        if not isinstance(entries, dict):
            raise Refused(f"there is no section `{section}:`. Take it from the repository again.")
        values = entries.get(name)
        if not isinstance(values, dict):
            example = ", ".join(f"{key}: …" for key in sorted(wanted))
            raise Refused(f"{section}.{name} is missing: add `{name}: {{{example}}}` below `{section}:`.")
        self._used.add((section, name))
        for key in values.keys() - wanted:
            raise Refused(f"{section}.{name}.{key} is not known{_meant(key, wanted)}. Remove it.")
        for key in sorted(wanted - values.keys()):
            raise Refused(f"{section}.{name}.{key} is missing: add it.")
        for key, value in values.items():
            _check(f"{section}.{name}.{key}", key, value)
        return values

    def limit(self, alert: str) -> tuple[str, float] | None:
        """Return on which side of its figure an alert fires, `above` or `below`, and that figure; None without one.

        :raises KeyError: when there is no such alert, or it is about an error budget.
        """
        for key, value in self._content["alerts"][alert].items():
            if key.startswith(("above", "below")):
                return key.split("_")[0], value
        return None

    def objective(self, name: str) -> float:
        """Return how many percent of an objective's events must be good."""
        return self._content["objectives"][name]["good_percent"]

    def refuse_unused(self) -> None:
        """Raise Refused for an entry that no rule has asked for."""
        known = {name for _, name in self._used}
        for section, entries in self._content.items():
            for name in entries or ():
                if (section, name) not in self._used:
                    raise Refused(f"{section}.{name} belongs to no rule{_meant(name, known)}. Remove it.")


def _check(path, key, value):
    if key == "for":
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
            raise Refused(
                f"{path} is {value!r}, which is no duration: give a number with its unit, as 90s, 15m, 1h or 2d."
            )
    elif isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise Refused(f"{path} is {value!r}, which is no number of 0 or more: give one, without a unit.")
    elif key.endswith("percent") and value > 100:
        raise Refused(f"{path} is {value}, and there is no more than 100 %: give a number from 0 to 100.")

    elif key == "bytes_per_second" and value == 0:
        raise Refused(f"{path} is 0, and things are divided by it: give a number of more than 0.")
    elif key == "good_percent" and value == 100:
        raise Refused(f"{path} is 100, which leaves no error budget: give a number of less than 100.")


def _meant(key, known):
    close = difflib.get_close_matches(key, known, 1)
    return f"; {close[0]} is" if close else ""


def _put_in(text, values):
    return _TOKEN.sub(lambda match: number(values[match[1]]), text)


def number(value: float) -> str:
    """Return a number as Prometheus reads it and as people do: without an exponent."""
    return f"{value:.10f}".rstrip("0").rstrip(".")
