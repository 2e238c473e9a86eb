"""Known vulnerabilities of what comes from PyPI and npm, and the bill of materials (SBOM) of it.

Images of Compose, packages of Debian and Odoo itself are not looked at: see SECURITY.md.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from stack.console import StackError, step
from stack.layout import PROJECT, Layout

EXCEPTIONS = PROJECT / "audit.toml"
# Folders with a package-lock.json.
NPM = (
    "stack/services/n8n",
    "grafana_dashboards/preview",
    "tests/dashboards/schema",
    "tests/exporters/postgres_versions",
)
SBOM_OF_NPM = "@cyclonedx/cyclonedx-npm@6.0.1"


@dataclass(frozen=True)
class Vulnerability:
    """A vulnerability that an advisory describes; of its several ids, a registry returns one or more."""

    package: str
    version: str
    names: frozenset[str]
    remedy: str


@dataclass(frozen=True)
class Exemption:
    """A vulnerability that stays until a day, and why that does no harm."""

    name: str
    reason: str
    until: date


def audit(layout: Layout) -> bool:
    """Print all known vulnerabilities and what excuses them; say whether all are excused, or there are none.

    Raises StackError if a registry gives no advisories: an incomplete audit does not pass.
    """
    excused = exceptions(EXCEPTIONS.read_text())
    sources = {"PyPI": python_vulnerabilities}
    sources |= {f"npm, {folder}": partial(npm_vulnerabilities, PROJECT / folder) for folder in NPM}
    found, unknown = [], []
    for source, vulnerabilities in sources.items():
        try:
            with step(f"advisories of {source}"):
                found += vulnerabilities()
        except StackError as trouble:
            unknown.append(f"{source}: {trouble}")
    if unknown:
        raise StackError("\n".join(["The audit is incomplete: some advisories are not available.", *unknown]))
    lines, passed = verdict(found, excused, date.today())
    print(*lines, sep="\n")
    return passed


def verdict(found: Iterable[Vulnerability], excused: Iterable[Exemption], today: date) -> tuple[list[str], bool]:
    """Return the lines of the report, and whether the audit passes.

    An exception that has ended excuses nothing, and one that nothing needs any more must go.
    """
    lines, passed, used = [], True, set()
    for one in sorted(found, key=lambda one: (one.package, sorted(one.names))):
        excuse = next((each for each in excused if each.name in one.names), None)
        used.add(excuse)
        known = f"{one.package} {one.version}: {', '.join(sorted(one.names))}"
        if excuse is None:
            lines.append(f"{known}: {one.remedy}")
        elif excuse.until < today:
            lines.append(f"{known}: its exception ended on {excuse.until}: {one.remedy}")
        else:
            lines.append(f"{known}: excused until {excuse.until}: {excuse.reason}")
            continue
        passed = False
    for each in excused:
        if each not in used:
            lines.append(f"{each.name}: not found any more: remove its exception")
            passed = False
    return lines or ["no known vulnerabilities"], passed


def exceptions(text: str) -> list[Exemption]:
    """Return the exceptions of audit.toml; raise StackError if one of them lacks something."""
    entries = tomllib.loads(text).get("exception", [])
    for entry in entries:
        if set(entry) != {"id", "reason", "until"} or not isinstance(entry["until"], date) or not entry["reason"]:
            raise StackError(f"{EXCEPTIONS.name}: {entry} must have `id`, `reason` and `until` (the last day).")
    return [Exemption(entry["id"], entry["reason"], entry["until"]) for entry in entries]


def python_vulnerabilities() -> list[Vulnerability]:
    """Return the vulnerabilities of all packages of the project's environment."""
    place = sysconfig.get_path("purelib")
    command = [sys.executable, "-m", "pip_audit", "--path", place, "--format", "json", "--progress-spinner", "off"]
    return of_pip_audit(*_output(command))


def of_pip_audit(output: str, errors: str) -> list[Vulnerability]:
    """Return what pip-audit found; raise StackError if it could not look at all packages."""
    packages = _content(output, errors, "dependencies")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        raise StackError(
            f"no advisories for {len(skipped)} of {len(packages)} packages, such as {skipped[0]}. A mirror of "
            "PyPI may have none: run this where PyPI itself can be reached."
        )
    return [
        Vulnerability(
            package["name"],
            package["version"],
            frozenset([found["id"], *found.get("aliases", [])]),
            f"upgrade to {' or '.join(found['fix_versions'])}" if found["fix_versions"] else "no release fixes it yet",
        )
        for package in packages
        for found in package["vulns"]
    ]


def npm_vulnerabilities(folder: Path) -> list[Vulnerability]:
    """Return the vulnerabilities of all packages that a folder's package-lock.json pins."""
    return of_npm_audit(*_output([_npm(), "audit", "--json", "--package-lock-only"], folder))


def of_npm_audit(output: str, errors: str) -> list[Vulnerability]:
    """Return what `npm audit` found; raise StackError if it could not ask."""
    packages = _content(output, errors, "vulnerabilities")
    return [
        Vulnerability(
            package["name"],
            found["range"],
            frozenset([found["url"].rsplit("/", 1)[-1]]),
            "npm knows a release that fixes it" if package["fixAvailable"] else "no release fixes it yet",
        )
        for package in packages.values()
        # the others are the packages that depend on one that is vulnerable
        for found in package["via"]
        if isinstance(found, dict)
    ]


def sbom(layout: Layout) -> bool:
    """Write CycloneDX bills of materials to sbom/: one of the Python environment, and one of each tree of npm."""
    place = PROJECT / "sbom"
    place.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    _write(place / "python.cdx.json", [*command, "--output-reproducible", "--pyproject", PROJECT / "pyproject.toml"])
    for folder in NPM:
        # npm reports errors about n8n's pins, which don't matter here
        command = [_npm(), "exec", "--yes", "--", SBOM_OF_NPM, "--package-lock-only", "--ignore-npm-errors"]
        _write(
            place / f"{Path(folder).name}.cdx.json",
            [*command, "--output-reproducible", PROJECT / folder / "package.json"],
        )
    print(f"Written to {place}.")
    return True


def _write(file: Path, command: Sequence[str | Path]) -> None:
    """Write a bill of materials by a command, which gets `--output-file` besides."""
    with step(file.name):
        done = subprocess.run([*command, "--output-file", file], capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"The bill of materials can't be made:\n{done.stderr[-2000:]}")


def _npm() -> str:
    if not (found := shutil.which("npm")):
        raise StackError("npm is not on PATH: install Node with npm.")
    return found


def _output(command: Sequence[str | Path], folder: Path = PROJECT) -> tuple[str, str]:
    """What a command says on both channels; its status is not looked at: it is 1 if there are vulnerabilities."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout, done.stderr


def _content(output: str, errors: str, key: str) -> Any:
    """The part `key` of what a tool said as JSON; StackError with its own words if there is none."""
    try:
        content = json.loads(output)
    except ValueError:
        content = {}
    if key not in content:
        raise StackError(content.get("message") or errors.strip().rpartition("\n")[2] or "no answer that can be read")
    return content[key]
