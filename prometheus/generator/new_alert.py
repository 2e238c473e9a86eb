"""`make new-alert`: write the draft of an alert, its threshold, its runbook and its case; see CONTRIBUTING.md."""

import re
import sys
from pathlib import Path

from . import alerts

ROOT = Path(__file__).parents[2]
_DECLARATION = """\
    Alert(
        name="{name}",
        severity="warning",
        team="platform",
        subject="{subject}",
        expr="up > <above>",
        summary="Value above <above>",
        description="The value {{{{ $value }}}} with its unit and window; the threshold is <above>.",
    ),
)
"""
_CASE = """\
    Case(
        "{name}",
        "warning",
        "platform",
        {{"up": Level(0, 1)}},
        5,
        10,
        10,
        "1",
    ),
]
"""
_TEXT = "{name}: The value {{value}} with its unit and window; the threshold is 0.\n"
_PAGE = """\
# {name}

When it fires, with each threshold.

## What it means for users

## First three checks

Variables, passwords and where to run PromQL: [Commands of the runbooks](../../alerting.md#commands-of-the-runbooks).

## Likely causes

## Remedy

## Escalation

[Contacts](../../alerting.md#escalation-contacts)
"""


def write(name: str, subject: str, root: Path = ROOT) -> list[Path]:
    """Write the drafts, and return the files that they are in.

    :raises ValueError: when the name is not in PascalCase, the alert already exists, or there is no such file of alerts
    """
    parts = [part for part, subjects in alerts.DECLARED.items() if subject in subjects]
    if not parts or not re.fullmatch(r"([A-Z][a-z0-9]+)+", name):
        known = ", ".join(subject for subjects in alerts.DECLARED.values() for subject in subjects)
        raise ValueError(f"give NAME in PascalCase, and SUBJECT as one of {known}")
    declarations = root / "prometheus" / "generator" / "alerts" / f"{subject}.py"
    thresholds = root / "prometheus" / "thresholds" / f"{parts[0]}.yml"
    cases = root / "tests" / "rules" / "alert_cases.py"
    texts = root / "tests" / "rules" / "descriptions.yml"
    runbook = root / "docs" / "runbooks" / parts[0] / f"{name}.md"
    if runbook.exists():
        raise ValueError(f"alert {name} already exists")
    last = alerts.DECLARED[parts[0]][subject][-1].name
    _insert(declarations, r"\)\n\Z", _DECLARATION.format(name=name, subject=subject))
    _insert(thresholds, rf"(?<=\n)(  {last}: .+\n)", rf"\g<1>  {name}: {{above: 0, for: 5m}}\n")
    _insert(cases, rf"(?<=\n{subject.upper()} = \[\n)((?s:.+?)\n)\]\n", r"\g<1>" + _CASE.format(name=name))
    _insert(texts, r"\Z", _TEXT.format(name=name))
    runbook.write_text(_PAGE.format(name=name))
    return [declarations, thresholds, runbook, cases, texts]


def _insert(path: Path, place: str, text: str) -> None:
    changed, times = re.subn(place, text, path.read_text(), count=1)
    if not times:
        raise ValueError(f"{path}: no place found for the draft: add it by hand")
    path.write_text(changed)


def main() -> None:
    """Write the drafts of the alert and the subject that the arguments name."""
    try:
        name, subject = sys.argv[1:]
        print("Complete the drafts:", *write(name, subject), sep="\n  ")
    except ValueError as error:
        sys.exit(f"make new-alert NAME=… SUBJECT=…: {error}")


if __name__ == "__main__":
    main()
