"""Programs that a backup runs."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from exporters.backup.errors import Failed


def run(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it wrote; raise Failed with its first error if that went badly.

    `environment` holds variables for it, beside those of this process.
    """
    # errors are looked for in English
    variables = {**os.environ, "LC_ALL": "C", **(environment or {})}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          env=variables)  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        error = next((line for line in said if "error:" in line or line.startswith("psql:")), said[-1])
        name = Path(command[1] if command[0] == "sh" else command[0]).name
        raise Failed(f"{name} ended with status {done.returncode}: {error}")
    return done.stdout
