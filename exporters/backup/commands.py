"""Programs that a backup runs."""

import subprocess
from pathlib import Path

from exporters.backup.errors import Failed


def run(*command: str | Path) -> None:
    """Run a program to its end; raise Failed with the first error it wrote if that went badly."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, errors="replace")
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        error = next((line for line in said if "error:" in line), said[-1])
        raise Failed(f"{command[0]} ended with status {done.returncode}: {error}")
