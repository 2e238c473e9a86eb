"""Odoo's source: where it comes from, and the Python that it is run with."""

import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pip

from stack.console import StackError, run, step
from stack.layout import cache
from stack.provide import debian
from stack.provide.once import made_once

OFFICIAL = "https://github.com/odoo/odoo"
SERIES = "18.0"
SCRIPT = """import odoo.cli

if __name__ == "__main__":
    odoo.cli.main()
"""
# Debian's package replaces scripts and fonts of the web client with links to these other packages.
PACKAGES = (
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome",
    "fonts-montserrat",
    "fonts-roboto-unhinted",
)


@dataclass(frozen=True)
class Source:
    """An Odoo that can be run: the folder that holds its package, and why it was chosen.

    It runs in its own virtual environment in the cache, which adds Odoo's folder to the project's packages.
    """

    folder: Path
    why: str

    @property
    def series(self) -> str:
        """The series, such as 18.0, by Odoo's own release.py."""
        release = (self.folder / "odoo" / "release.py").read_text()
        [(major, minor)] = re.findall(r"^version_info = \((\d+), (\d+)", release, re.MULTILINE)
        return f"{major}.{minor}"

    @property
    def addons_path(self) -> list[Path]:
        return [path for path in (self.folder / "odoo" / "addons", self.folder / "addons") if _has_addons(path)]

    @property
    def python(self) -> Path:
        """The Python that imports this Odoo, and all that the project's own Python imports."""
        return self.environment() / "bin" / "python"

    @property
    def command(self) -> list[Path]:
        """Odoo's command line: Python and a script, by whose path Odoo starts its websocket worker."""
        place = self.environment()
        return [place / "bin" / "python", place / "bin" / "odoo"]

    def environment(self, pins: str = "") -> Path:
        """Return the virtual environment, in which ``bin/odoo`` is Odoo's command line.

        pins: the content of a requirements file of other packages to install, such as addons and their dependencies.
        """
        # pip's own place, because the Python that runs this may itself be one of Odoo's
        packages = Path(pip.__file__).parents[1]
        key = hashlib.sha256(f"{packages}\n{self.folder}{pins}".encode()).hexdigest()[:12]

        def create(place: Path) -> None:
            venv.create(place, symlinks=True)
            own = Path(sysconfig.get_path("purelib", "venv", {"base": str(place), "installed_base": str(place)}))
            (own / "odoo.pth").write_text(f"{packages}\n{self.folder}\n")
            (place / "bin" / "odoo").write_text(SCRIPT)
            if pins:
                self._install(place, pins)

        return made_once(cache() / f"venv-odoo-{key}", create)

    def _install(self, place: Path, pins: str) -> None:
        requirements = place / "requirements.txt"
        requirements.write_text(pins)
        with step(f"Python packages for Odoo {self.series} (first time only)"):
            # install what is pinned even if the project's environment has it, and nothing else
            options: list[str | Path] = ["--quiet", "--no-deps", "--ignore-installed", "--requirement", requirements]
            run([place / "bin" / "python", "-m", "pip", "install", *options], log=place.with_suffix(".log"))


def choose() -> Source:
    """Return the Odoo to run: $ODOO_SOURCE; else the official 18.0 if it can be had; else Debian's package of 19.0."""
    given = os.environ.get("ODOO_SOURCE")
    if given:
        folder = Path(given).expanduser().resolve()
        if not (folder / "odoo" / "release.py").exists():
            raise StackError(f"ODOO_SOURCE={given} is not a source tree of Odoo: odoo/release.py is missing.")
        return Source(folder, "from ODOO_SOURCE")
    official = cache() / f"odoo-{SERIES}"
    if (official / "odoo" / "release.py").exists():
        return Source(official, "the official source, fetched earlier")
    why_not = _why_official_is_out_of_reach()
    if not why_not:
        _clone(official)
        return Source(official, f"the official source, {OFFICIAL}")
    root = debian.unpacked(*PACKAGES)
    return Source(root / "usr/lib/python3/dist-packages", f"Debian's package, because {OFFICIAL} {why_not}")


def _has_addons(path: Path) -> bool:
    return any(path.glob("*/__manifest__.py"))


def _why_official_is_out_of_reach() -> str:
    """Return why the official source can't be fetched, or nothing if it can."""
    if not shutil.which("git"):
        return "can't be fetched without git"
    try:
        asked = subprocess.run(
            ["git", "ls-remote", "--exit-code", OFFICIAL, SERIES],
            capture_output=True, timeout=20, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "gives no answer"
    return "can't be reached from here" if asked.returncode else ""


def _clone(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    with step(f"Odoo {SERIES} from {OFFICIAL}"):
        run(
            ["git", "clone", "--quiet", "--depth", "1", "--branch", SERIES, OFFICIAL, unfinished],
            log=folder.parent / "odoo.log",
        )
        unfinished.rename(folder)
