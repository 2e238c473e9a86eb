"""The metrics that the specification names, as it says them: read from it, or from the table kept beside this file."""

import csv
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPECIFICATION = ROOT.parent / "shared" / "spec" / "telemetry-specification.md"
TABLE = Path(__file__).with_name("specification.csv")

FIELDS = ("name", "type", "unit", "interval", "warning", "critical", "alert")
_DEFINED_BEFORE = "- **Collection Interval Optimization:**"
_ITEM = re.compile(
    r"\s*(?:- )?\*\*(Name|Metric Name|Type|Unit|Interval|Warning|Critical|(?:\w+ )?Frequency):\*\*\s*(.+?)\s*"
)
_ALERT = re.compile(r"\s*- value (.+)")
_FREQUENCIES = {"hourly": "3600s", "daily": "86400s", "1m": "60s"}


def read_specification():
    """Return [{field: text}] of the metrics that the specification defines, in its order.

    What a later section adds to a metric (an interval, a threshold) is taken where its definition is silent.
    """
    found, current, defining = {}, None, True
    for line in SPECIFICATION.read_text().splitlines():
        defining = defining and not line.startswith(_DEFINED_BEFORE)
        item, alert = _ITEM.fullmatch(line), _ALERT.fullmatch(line)
        title, value = (item[1].lower(), item[2]) if item else ("alert", alert[1]) if alert else ("", "")
        if title in ("name", "metric name"):
            if defining:
                found[value] = dict.fromkeys(FIELDS, "") | {"name": value}
            current = found.get(value.removesuffix("_p95"))
        elif title and current:
            if title.endswith("frequency"):
                title, value = "interval", _FREQUENCIES[value]
            current[title] = current[title] or value.replace("_", " ")
    return list(found.values())


def read_table():
    """Return the same, as it was kept."""
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))
