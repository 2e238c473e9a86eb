"""The alert about scrape jobs without a target, of which nothing is known that could be down."""

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
        summary="Scrape job without a target",
        description="Prometheus has no target for job {{ $labels.job }} (absent is {{ $value }}): what it "
        "measures is not seen.",
        dashboard="slo",
    )
