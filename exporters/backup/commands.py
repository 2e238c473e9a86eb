"""Programs that a backup runs."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from exporters.backup.errors import BackupError


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program and return its output; raise BackupError with its first error if it failed.

    `environment` holds variables for it, in addition to those of this process.
    """
    # errors are looked for in English
    variables = {**os.environ, "LC_ALL": "C", **(environment or {})}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          env=variables)  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no output"]
        error = next((line for line in said if "error:" in line or line.startswith("psql:")), said[-1])
        name = Path(command[1] if command[0] == "sh" else command[0]).name
        raise BackupError(f"{name} ended with status {done.returncode}: {error}")
    return done.stdout
