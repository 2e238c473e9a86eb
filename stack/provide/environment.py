"""The virtual environment that everything runs in: made once for each set of pins, outside the checkout.

Runs on the machine's own Python, so it imports nothing but the standard library.
"""

import hashlib
import os
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

from stack.console import StackError, exit_on_error, run, step
from stack.layout import PROJECT, cache
from stack.provide.once import made_once


def requirements(pyproject: dict[str, Any]) -> list[str]:
    """Return every pin of a parsed pyproject.toml: the core's and those of all its extras."""
    project = pyproject["project"]
    return sorted({*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())})


def ensure() -> Path:
    """Make the environment unless it is there, and return the path of its Python."""
    pins = requirements(tomllib.loads((PROJECT / "pyproject.toml").read_text()))
    key = hashlib.sha256("\n".join([sys.version, sys.executable, *pins]).encode()).hexdigest()[:12]
    place = made_once(cache() / f"venv-{key}", lambda place: _create(place, pins))
    return place / "bin" / "python"


def _create(place: Path, pins: list[str]) -> None:
    log = place.with_suffix(".log")
    log.unlink(missing_ok=True)
    with step("Python environment"):
        if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise StackError(f"{sys.executable} can't create a virtual environment: install python{version}-venv.")
        run([sys.executable, "-m", "venv", place], log=log)
    with step("Python packages (first time only)"):
        run([place / "bin" / "python", "-m", "pip", "install", "--quiet", *pins], log=log)


if __name__ == "__main__":
    # stdout has only the path, for the caller; all messages go to stderr.
    answer = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with exit_on_error():
        os.write(answer, f"{ensure()}\n".encode())
