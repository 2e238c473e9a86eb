"""VictoriaMetrics, one for each long-term tier: a server of the free version has a single retention."""

from dataclasses import dataclass

from stack.layout import ACCOUNT, PASSWORDS, Layout
from stack.provide import debian
from stack.services.processes import Program


@dataclass(frozen=True)
class Tier:
    """A long-term tier: its samples are a ``step`` apart, are returned for ``lookback`` and retained for ``retention``.

    VictoriaMetrics would return a sample for no longer than 5 minutes where a query names no window.
    """

    step: str
    lookback: str
    retention: str

    @property
    def name(self) -> str:
        """The name of its program, and of its port."""
        return f"victoria_{self.step}"


# What deletes or copies data takes a key of its own: a browser that knows the password would send it for any page.
KEYS = {"deleteAuthKey": "victoria-admin", "snapshotAuthKey": "victoria-admin"}
TIERS = (Tier("5m", "10m", "90d"), Tier("1h", "2h", "2y"))


def programs(layout: Layout) -> list[Program]:
    """Return how the server of each tier is run."""
    program = debian.program("victoria-metrics", "victoria-metrics")
    keys = [f"-{flag}=file://{layout.secret_file(secret)}" for flag, secret in KEYS.items()]
    return [
        Program(
            name=tier.name,
            command=[
                program,
                f"-httpListenAddr=127.0.0.1:{getattr(layout.ports, tier.name)}",
                f"-storageDataPath={layout.state / tier.name}",
                f"-retentionPeriod={tier.retention}",
                f"-search.maxLookback={tier.lookback}",
                # of two Prometheus that write the same series, one sample a step is kept
                f"-dedup.minScrapeInterval={tier.step}",
                f"-httpAuth.username={ACCOUNT}",
                f"-httpAuth.password=file://{layout.secret_file(PASSWORDS[tier.name])}",
                *keys,
                "-http.disableCORS",
            ],
        )
        for tier in TIERS
    ]
