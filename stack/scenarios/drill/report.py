"""What came of a fault drill, as a table in Markdown and the texts below it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

HEADER = (
    "fault", "expected", "notified", "channels", "notified after", "`for` of the rule", "resolved after", "others", "",
)  # fmt: skip


@dataclass
class Line:
    """What came of one fault.

    held: how long the condition must hold without acceleration, in seconds.
    delay, resolved: seconds until the last of its channels had the firing notification, and the resolved one.
    others: the other alerts that came, each with the reason why it may; without one it may not.
    wrong: what is not as it must be.
    """

    what: str
    expected: str
    held: float | None = None
    arrived: str = ""
    channels: Set[str] = field(default_factory=set)
    delay: float | None = None
    resolved: float | None = None
    text: str = ""
    others: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    impossible: str = ""

    def __str__(self) -> str:
        """In one sentence."""
        if self.impossible:
            return f"- {self.what}: NOT CAUSED: {self.impossible}"
        if self.wrong:
            return f"✗ {self.what}: {'; '.join(self.wrong)}"
        if not self.arrived:
            return f"✓ {self.what}: no notification"
        return f"✓ {self.what}: {self.arrived} after {self.delay:.0f} s, resolved {self.resolved:.0f} s after the end"


def report(lines: Sequence[Line]) -> str:
    """Return the table, the reasons for what else came, the notifications, and what is wrong."""
    reasons = {f"{alert}: {reason}." for line in lines for alert, reason in line.others.items() if reason}
    parts = [
        _table([HEADER, *map(_cells, lines)]),
        "\n".join(sorted(reasons)),
        *(f"{line.what}:\n{_indented(line.text)}" for line in lines if line.text),
        *(str(line) for line in lines if line.wrong or line.impossible),
    ]
    return "\n\n".join(part for part in parts if part)


def _cells(line: Line) -> tuple[str, ...]:
    if line.impossible:
        return line.what, line.expected, "not caused", *[""] * 5, "-"
    return (
        line.what, line.expected, line.arrived or "nothing", ", ".join(sorted(line.channels)),
        _seconds(line.delay), "" if line.held is None else f"{line.held / 60:g} min", _seconds(line.resolved),
        ", ".join(sorted(line.others)), "✗" if line.wrong else "✓",
    )  # fmt: skip


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    rows = [rows[0], tuple("-" * width for width in widths), *rows[1:]]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
