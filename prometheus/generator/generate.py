"""`make rules`: write prometheus/rules/, or say what is wrong with thresholds/ and leave the rules as they are."""

import json
import sys
from pathlib import Path

from . import alerts, recording, slo, tiers, working_hours
from .rules import Alert, Group, Part, render
from .scraping import JOBS
from .thresholds import ThresholdError, Thresholds, read

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus" / "rules"

_ADDONS: dict[Part, str] = {"odoo": "odoo_telemetry", "influencegen": "influencegen_telemetry"}
_MODULE = '''\
"""Thresholds of the alerts on tiles of the overview: `make rules` takes them from prometheus/thresholds/."""

THRESHOLDS = {{
{}
}}
'''


def files(thresholds: Thresholds) -> dict[str, list[Group]]:
    """Return all groups of rules by name of their file in prometheus/rules/.

    :raises ThresholdError: when a threshold is invalid.
    """
    link = thresholds.section("links", "unknown", {"bytes_per_second"})
    content = {
        **recording.files(link["bytes_per_second"]),
        **slo.files(thresholds),
        **alerts.files(thresholds, JOBS),
        **tiers.files(),
    }
    content["influencegen_working_hours"] = [working_hours.group(thresholds, alerts_in(content))]
    thresholds.refuse_unused()
    return content


def alerts_in(content: dict[str, list[Group]]) -> list[Alert]:
    """Return the alerts among groups of rules."""
    return [rule for groups in content.values() for group in groups for rule in group.rules if isinstance(rule, Alert)]


def texts(thresholds: Thresholds) -> dict[Path, str]:
    """Return what each generated file holds: rules, and for each addon the thresholds that its overview compares with.

    :raises ThresholdError: when a threshold is invalid.
    """
    content = files(thresholds)
    counted = [alert for alert in alerts_in(content) if alert.tile]
    entries = {
        addon: [
            f"    {json.dumps(alert.name)}: {json.dumps(values)},"
            for alert in counted
            if alert.part == part and (values := thresholds.values(alert.name))
        ]
        for part, addon in _ADDONS.items()
    }
    return {
        **{RULES / f"{name}.yml": render(groups) for name, groups in content.items()},
        **{ROOT / addon / "alert_thresholds.py": _MODULE.format("\n".join(lines)) for addon, lines in entries.items()},
    }


def main() -> None:
    """Write all generated files, and delete files of rules that are not written any more."""
    try:
        written = texts(Thresholds(read()))
    except ThresholdError as error:
        sys.exit(f"prometheus/thresholds: {error}")
    for path in set(RULES.glob("*.yml")) - written.keys():
        path.unlink()
    for path, text in written.items():
        path.write_text(text)
