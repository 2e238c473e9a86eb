"""Paths: the cache shared by all checkouts, and the state folder of one running system."""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from stack import private
from stack.ports import Ports

PROJECT = Path(__file__).resolve().parent.parent
# The addons, each after those that it depends on.
ADDONS = ("influencegen", "odoo_telemetry", "influencegen_telemetry")
# The user name for the monitoring servers, and the secret that is the password of each server, by port name.
ACCOUNT = "influencegen"
PASSWORDS = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "victoria_5m": "victoria",
    "victoria_1h": "victoria",
    **dict.fromkeys(("node", "process", "postgres_exporter", "blackbox"), "exporters"),
}


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
        """Return the secret of that name, which is generated on first use; only the owner can read its file.

        :raises StackError: when the folder or the file can be changed by another user.
        """
        private.folder(self.state)
        private.folder(self.state / "secrets")
        path = self._secret(name)
        # an editor writes a newline at the end
        kept = (private.read(path) or "").strip()
        if not kept:
            kept = secrets.token_urlsafe(32)
            private.write(path, kept)
        return kept

    def secret_file(self, name: str) -> Path:
        """Return the file of the secret of that name, which is made if there is none."""
        self.secret(name)
        return self._secret(name)

    def credential(self, server: str) -> tuple[str, str] | None:
        """Return the user and the password for a server, given by port name; None if it needs none."""
        return (ACCOUNT, self.secret(PASSWORDS[server])) if server in PASSWORDS else None

    def url(self, server: str, path: str = "") -> str:
        """Return the URL of a server, given by port name, with its credentials."""
        credential = self.credential(server)
        login = f"{':'.join(credential)}@" if credential else ""
        return f"http://{login}127.0.0.1:{getattr(self.ports, server)}{path}"

    def _secret(self, name: str) -> Path:
        return self.state / "secrets" / name
