"""`make rules`: write prometheus/rules/ anew, or say what is wrong with thresholds.yml and leave them as they are."""

import sys
from pathlib import Path

import yaml

from . import alerts, recording, slo, tiers, working_hours
from .rules import Group, render
from .thresholds import Refused, Thresholds

RULES = Path(__file__).parents[1] / "rules"
CONFIGURATION = Path(__file__).parents[1] / "prometheus.yml"


def files(thresholds: Thresholds) -> dict[str, list[Group]]:
    """Return all groups of rules by name of their file in prometheus/rules/.

    :raises Refused: when the thresholds can't be meant.
    """
    jobs = [job["job_name"] for job in yaml.safe_load(CONFIGURATION.read_text())["scrape_configs"]]
    link = thresholds.section("links", "unknown", {"bytes_per_second"})
    alert_files = alerts.files(thresholds, jobs)
    each = [rule for groups in alert_files.values() for group in groups for rule in group.rules]
    content = {
        **recording.files(link["bytes_per_second"]),
        "recording_working_hours": [working_hours.group(thresholds, each)],
        **slo.files(thresholds),
        **alert_files,
        "tiers": tiers.groups(),
    }
    thresholds.refuse_unused()
    return content


def main() -> None:
    """Write all files of rules, and delete those that are not written any more."""
    try:
        texts = {RULES / f"{name}.yml": render(groups) for name, groups in files(Thresholds.read()).items()}
    except Refused as refused:
        sys.exit(f"prometheus/thresholds.yml: {refused}")
    for path in set(RULES.glob("*.yml")) - texts.keys():
        path.unlink()
    for path, text in texts.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
