"""Programs and libraries from npm: installed in the cache by the pins of a package-lock.json."""

import hashlib
import shutil
from pathlib import Path

from stack.console import StackError, run, step
from stack.layout import cache
from stack.provide.once import made_once


def installed(package: Path, what: str) -> Path:
    """Return the node_modules of a package, installed when first needed.

    package: folder with package.json and package-lock.json; the folder in the cache is named after it.
    what: text shown during the installation.
    Raises StackError if there is no npm, or the installation fails.
    """
    lock = package / "package-lock.json"
    place = cache() / f"{package.name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    return made_once(place, lambda place: _install(package, place, what)) / "node_modules"


def _install(package: Path, place: Path, what: str) -> None:
    if not shutil.which("npm"):
        raise StackError(f"{what} comes from npm, which is not on PATH: install Node with npm.")
    place.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(package / name, place)
    with step(f"{what} from npm (some minutes, first time only)"):
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            log=place / "npm.log", cwd=place)  # fmt: skip
