"""The alerts, but for those of the error budgets: a module for each area, with alerts of one or several subjects.

`<name>` stands for the threshold of that name in thresholds/; texts show durations with units. Against fatigue:
`keep_firing_for` holds an alert whose condition comes and goes, and most alerts on a ratio require a minimum number of
events.
"""

from collections.abc import Iterable
from dataclasses import replace

from .. import working_hours
from ..rules import Alert, Group, Part
from ..thresholds import Thresholds
from . import (
    ai_images,
    background,
    backups,
    business,
    gpu,
    hosts,
    integration,
    monitoring,
    odoo,
    postgresql,
    scrapes,
    telemetry,
)

DECLARED: dict[Part, dict[str, tuple[Alert, ...]]] = {
    "odoo": {
        "hosts": hosts.ALERTS,
        "postgresql": postgresql.ALERTS,
        "odoo": odoo.ALERTS,
        "background": background.ALERTS,
        "telemetry": telemetry.ALERTS,
        "monitoring": monitoring.ALERTS,
    },
    "influencegen": {
        "gpu": gpu.ALERTS,
        "integration": integration.ALERTS,
        "ai_images": ai_images.ALERTS,
        "business": business.ALERTS,
        "backups": backups.ALERTS,
    },
}
"""The alerts of each part by name of their module."""


def files(thresholds: Thresholds, jobs: Iterable[str]) -> dict[str, list[Group]]:
    """Return the groups of alerts by name of their file.

    jobs: the scrape jobs that must have targets.
    """
    declared: dict[tuple[Part, str], tuple[Alert, ...]] = {
        **{(part, subject): alerts for part, subjects in DECLARED.items() for subject, alerts in subjects.items()},
        ("influencegen", "scrapes"): (scrapes.missing(jobs),),
    }
    content = {
        f"{part}_alerts_{subject}": [
            Group(
                f"{part}-alerts-{subject.replace('_', '-')}",
                [working_hours.restrict(thresholds.apply(replace(alert, part=part))) for alert in alerts],
            )
        ]
        for (part, subject), alerts in declared.items()
    }
    thresholds.check_pairs(alert for alerts in declared.values() for alert in alerts)
    return content
