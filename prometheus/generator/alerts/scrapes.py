"""The alert about scrape jobs without a target: they have no `up` series that could be 0."""

from collections.abc import Iterable

from ..rules import Alert


def missing(jobs: Iterable[str]) -> Alert:
    """Return the alert that one of the scrape jobs `jobs` has no target at all."""
    return Alert(
        name="JobMissing",
        severity="critical",
        team="platform",
        subject="monitoring",
        tile="telemetry",
        expr=" or ".join(f'absent(up{{job="{job}"}})' for job in jobs),
        summary="Scrape job has no target",
        description="Prometheus has no target for the scrape job {{ $labels.job }}. Its metrics are missing, and "
        "alerts on them can't fire.",
        dashboard="slo",
    )
