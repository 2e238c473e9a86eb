"""Programs from Debian's packages, unpacked into the cache: nothing is installed and no system file is touched.

The archive is the one that the machine's own apt sources name, read through private lists. Both formats of sources are
read here: python-debian on PyPI knows one of them, and python-apt, which knows both, is not on PyPI.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.console import StackError, run, step
from stack.layout import cache

SOURCES = Path("/etc/apt")
# Debian's newest programs lie in sid; Ubuntu's in the release that runs.
NEWEST = {"debian": "sid"}


@dataclass(frozen=True)
class Archive:
    """A package archive as an apt source names it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def program(name: str, *packages: str) -> Path:
    """Return the path of a program: the one on PATH, or else the one in Debian's packages, unpacked."""
    found = shutil.which(name)
    return Path(found) if found else unpacked(*packages) / "usr" / "bin" / name


def unpacked(*packages: str) -> Path:
    """Return the folder with these packages unpacked, in their newest versions and without their dependencies."""
    system = platform.freedesktop_os_release()
    suite = NEWEST.get(system["ID"], system.get("VERSION_CODENAME", ""))
    return _Suite(suite).unpack(packages)


def unpacked_with_dependencies(package: str) -> Path:
    """Return the folder of a package of the machine's own release with all it needs that the machine lacks."""
    suite = _Suite(platform.freedesktop_os_release()["VERSION_CODENAME"])
    return suite.unpack((package,), dependencies=True)


class _Suite:
    """One suite of the archive: private apt lists, and a folder that packages are unpacked into."""

    def __init__(self, suite: str):
        self.suite = suite
        self.place = cache() / f"debian-{suite}"
        self.root = self.place / "root"
        self.log = self.place / "apt.log"

    def unpack(self, packages: Iterable[str], dependencies: bool = False) -> Path:
        self.place.mkdir(parents=True, exist_ok=True)
        with open(self.place / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            missing = [package for package in packages if not self._mark(package).exists()]
            if missing:
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                with step(f"{missing[0]}{more} from the packages of {self.suite} (first time only)"):
                    self._fetch(missing, dependencies)
        return self.root

    def _mark(self, package: str) -> Path:
        return self.place / "complete" / package

    def _fetch(self, packages: list[str], dependencies: bool) -> None:
        if not shutil.which("apt-get"):
            raise StackError(
                f"{', '.join(packages)} can't be installed: this machine has no apt-get. "
                "Install them and put their programs on PATH."
            )
        downloads = self.place / "archives"
        for folder in (downloads, self.place / "lists" / "partial", self._mark("any").parent, self.root):
            folder.mkdir(parents=True, exist_ok=True)
        self._write_source()
        self._apt("update")
        wanted = self._missing_on_machine(packages) if dependencies else packages
        shutil.rmtree(downloads)
        downloads.mkdir()
        if wanted:
            self._apt("download", *wanted, cwd=downloads)
        for archive in sorted(downloads.glob("*.deb")):
            run(["dpkg", "-x", archive, self.root], log=self.log)
        for package in packages:
            self._mark(package).touch()
        shutil.rmtree(downloads)

    def _write_source(self) -> None:
        archive = main_archive(SOURCES, platform.freedesktop_os_release())
        keyring = f"Signed-By: {archive.signed_by}\n" if archive.signed_by else ""
        (self.place / "this.sources").write_text(
            f"Types: deb\nURIs: {archive.uri}\nSuites: {self.suite}\n"
            f"Components: {' '.join(archive.components)}\n{keyring}"
        )

    def _options(self) -> list[str]:
        return [
            f"-oDir::Etc::SourceList={self.place}/this.sources",
            "-oDir::Etc::SourceParts=/dev/null",
            f"-oDir::State::Lists={self.place}/lists",
            f"-oDir::Cache={self.place}",
            # the folders belong to whoever runs this, not to apt's own user
            "-oAPT::Sandbox::User=",
            "-oAcquire::Retries=3",
            "-oAcquire::Languages=none",
            "-oAcquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        ]

    def _apt(self, *arguments: str, cwd: Path | None = None) -> None:
        run(["apt-get", "--quiet", *self._options(), *arguments], log=self.log, cwd=cwd)

    def _missing_on_machine(self, packages: list[str]) -> list[str]:
        """Return the packages with those of their dependencies that the machine does not have installed."""
        simulated = subprocess.run(
            ["apt-get", "--simulate", "--no-install-recommends", "-oDebug::NoLocking=1", *self._options(),
             "install", *packages],
            capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
        if simulated.returncode:
            raise StackError(f"apt-get can't install {', '.join(packages)}:\n{simulated.stderr.strip()}")
        return re.findall(r"^Inst (\S+)", simulated.stdout, re.MULTILINE)


def main_archive(folder: Path, system: dict[str, str]) -> Archive:
    """Return the distribution's own archive among the apt sources under `folder`; StackError if there is none.

    `system` is the content of os-release: ID and VERSION_CODENAME.
    """
    sources = [
        source
        for source in _sources(folder)
        if system.get("VERSION_CODENAME") in source.suites and "main" in source.components
    ]
    if not sources:
        raise StackError(
            f"No apt source under {folder} names {system.get('NAME', system['ID'])}'s main archive "
            f"for {system.get('VERSION_CODENAME')}."
        )
    # A third party's archive can carry the release's name too, but its address seldom ends in the distribution's.
    return min(sources, key=lambda source: not source.uri.rstrip("/").endswith(f"/{system['ID']}"))


def _sources(folder: Path) -> Iterator[Archive]:
    parts = folder / "sources.list.d"
    for path in [folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.exists():
            yield from _one_line_sources(path.read_text())
    for path in sorted(parts.glob("*.sources")):
        yield from _deb822_sources(path.read_text())


def _one_line_sources(text: str) -> Iterator[Archive]:
    pattern = re.compile(r"^\s*deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<rest>[^#\n]+)")
    for line in text.splitlines():
        match = pattern.match(line)
        if match:
            options = dict(option.split("=", 1) for option in (match["options"] or "").split() if "=" in option)
            yield Archive(match["uri"], (match["suite"],), tuple(match["rest"].split()), options.get("signed-by", ""))


def _deb822_sources(text: str) -> Iterator[Archive]:
    without_comments = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n", without_comments):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^(\S+):((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        }
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in ("no", "false"):
            yield Archive(
                fields["uris"].split()[0],
                tuple(fields["suites"].split()),
                tuple(fields.get("components", "").split()),
                fields.get("signed-by", ""),
            )
