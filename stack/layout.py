"""Where things lie: the cache shared by all checkouts, and the state of one running system."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from stack.ports import Ports

PROJECT = Path(__file__).resolve().parent.parent


def cache() -> Path:
    """Return the folder for what is downloaded: $INFLUENCEGEN_CACHE, or the user's cache.

    For root it is under /var, because PostgreSQL runs as another user and must reach its programs.
    """
    default = "/var/cache" if os.geteuid() == 0 else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    chosen = os.environ.get("INFLUENCEGEN_CACHE") or f"{default}/influencegen-telemetry"
    return Path(chosen).expanduser().resolve()


@dataclass(frozen=True)
class Layout:
    """One running system: the folder of its state and its ports."""

    state: Path
    ports: Ports

    @classmethod
    def from_environment(cls) -> "Layout":
        """Return the layout that the environment asks for: $INFLUENCEGEN_STATE (default .run) and IG_*_PORT."""
        state = Path(os.environ.get("INFLUENCEGEN_STATE") or PROJECT / ".run")
        return cls(state.expanduser().resolve(), Ports.from_environment(os.environ))

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def cluster(self) -> Path:
        """The folder of PostgreSQL; for root a place that another user can reach."""
        if os.geteuid():
            return self.state / "postgres"
        key = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        return Path("/var/tmp") / f"influencegen-telemetry-{key}"

    def secret(self, name: str) -> str:
        """Return the secret of that name; made at random, and kept for the owner's eyes only, on first use."""
        path = self.secret_file(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text()

    def secret_file(self, name: str) -> Path:
        return self.state / "secrets" / name
