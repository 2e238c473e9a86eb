"""What each database's administrator set, published in the store's directory.

The exposition must know tokens and limits when no database is selected and when PostgreSQL is down, and hot paths must
know them without a statement. So a database publishes its settings here after each change.
"""

import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

_PREFIX, _SUFFIX = "settings-", ".json"
_CLOCK_TICK = 1_000_000_000
"""Nanoseconds within which two changes of a directory may bear the same time."""

THRESHOLDS = {"concurrent_users": 200, "application_errors_per_minute": 5, "n8n_errors_per_minute": 2}
"""The thresholds that the specification calls configurable, with their defaults."""


@dataclass
class Settings:
    """One database's settings.

    token_digests: SHA-256 hex digests of the tokens that may scrape it (at most two, while one is rotated).
    groups: which of the groups 'fast', 'system' and 'business' are exported.
    label_limits: largest number of values by label name, where it differs from the catalogue's.
    presence_seconds: a user seen at most this long ago counts as concurrent.
    thresholds: what alerts compare with, by name; exported as ``influencegen_telemetry_threshold``.
    browser_sample_percent: of so many browser tabs in a hundred the measurements are taken; 0 for none.
    """

    token_digests: list = field(default_factory=list)
    groups: list = field(default_factory=lambda: ["fast", "system", "business"])
    label_limits: dict = field(default_factory=dict)
    presence_seconds: int = 300
    thresholds: dict = field(default_factory=lambda: dict(THRESHOLDS))
    browser_sample_percent: int = 100


def digest(token):
    """Return the SHA-256 hex digest under which ``token`` (str) is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class PublishedSettings:
    """The settings of all databases of an instance, as files in ``directory``."""

    def __init__(self, directory):
        self._directory = Path(directory)
        self._stamp = None
        self._databases = {}

    def publish(self, database, settings):
        """Replace the settings of ``database`` (str) in one step; readers see the old or the new ones.

        :raises OSError: when they can't be written.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(database)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(settings), file)
        temporary.replace(path)

    def withdraw(self, database):
        """Forget ``database``: it is no longer exported."""
        self._path(database).unlink(missing_ok=True)

    def exist(self):
        """Return whether a database was ever published here."""
        return self._directory.is_dir()

    def databases(self):
        """Return {database name: :class:`Settings`}, read again only when a file was published or withdrawn."""
        try:
            stamp = os.stat(self._directory).st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != self._stamp:
            self._databases = {
                unquote(path.name[len(_PREFIX) : -len(_SUFFIX)]): Settings(**json.loads(path.read_text()))
                for path in self._directory.glob(f"{_PREFIX}*{_SUFFIX}")
            }
            self._stamp = stamp if time.time_ns() - stamp > _CLOCK_TICK else None
        return self._databases

    def _path(self, database):
        return self._directory / f"{_PREFIX}{quote(database, safe='')}{_SUFFIX}"
