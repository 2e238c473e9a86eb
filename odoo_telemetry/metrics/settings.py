"""What each database's administrator set, published in the store's directory.

The exposition must know tokens and limits when no database is selected and when PostgreSQL is down, and hot paths must
know them without a statement. So a database publishes its settings here after each change.
"""

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .published import Damaged, Published, refuse

THRESHOLDS = {"concurrent_users": 200, "application_errors_per_minute": 5}
"""The thresholds that an administrator may set, with their defaults; other addons declare theirs in the catalogue."""


@dataclass
class Settings:
    """One database's settings.

    token_digests: SHA-256 hex digests of the tokens that may scrape it (at most two, while one is rotated).
    groups: which of the groups 'fast', 'system' and 'business' are exported.
    label_limits: largest number of values by label name, where it differs from the catalogue's.
    presence_seconds: a user seen at most this long ago counts as concurrent.
    thresholds: what alerts compare with, by name; exported as ``odoo_telemetry_threshold``.
    modules: its installed modules that declare metrics or thresholds; those of other modules are not exported.
        None if that is not known, as in what a former version published.
    versions: {module: version} of what is installed, as it was when the database was last loaded.
    rpc_calls: whether RPC calls are counted by model and method.
    browser_sample_percent: percentage of browser tabs that are measured; 0 for none.
    """

    token_digests: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=lambda: ["fast", "system", "business"])
    label_limits: dict[str, int] = field(default_factory=dict)
    presence_seconds: int = 300
    thresholds: dict[str, int] = field(default_factory=lambda: dict(THRESHOLDS))
    modules: list[str] | None = None
    rpc_calls: bool = True
    browser_sample_percent: int = 100
    versions: dict[str, str] = field(default_factory=dict)


def digest(token: str) -> str:
    """Return the SHA-256 hex digest under which ``token`` (str) is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class PublishedSettings(Published[Settings]):
    """The settings of all databases of an instance, as files in ``directory``."""

    def __init__(self, directory: Path, damaged: Damaged = refuse) -> None:
        super().__init__(directory, "settings-", lambda content: Settings(**content), asdict, damaged)
