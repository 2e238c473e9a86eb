"""The configuration file: where backups go, when they are made, and of what.

folder: /srv/backups
password_file: /run/secrets/postgres_password   # of PostgreSQL's user
environment: {PGHOST: 127.0.0.1, PGUSER: backup}  # of this program and those that it runs
backups:
  platform: {every_seconds: 86400, keep: 7, database: influencegen, filestore: /srv/odoo/filestore/influencegen}
  # and, where they are needed: elsewhere: [s3], template: influencegen_template
  n8n: {every_seconds: 86400, keep: 7, database: n8n}
  monitoring: {every_seconds: 86400, keep: 7, prometheus: "http://influencegen@127.0.0.1:9090",
               prometheus_password_file: /run/secrets/prometheus_password, data: /srv/prometheus,
               configuration: /etc/prometheus}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from exporters.backup.kinds import DatabaseBackup, MonitoringBackup


class ConfigurationError(Exception):
    """The configuration can't be used; the text says what to change."""


@dataclass(frozen=True)
class Backup:
    """A backup to make every `every_seconds` seconds; the newest `keep` archives are kept."""

    name: str
    every_seconds: int
    keep: int
    source: DatabaseBackup | MonitoringBackup


@dataclass(frozen=True)
class Configuration:
    """What the file says; `environment` has the password in it."""

    folder: Path
    environment: dict[str, str]
    backups: dict[str, Backup]


KINDS = {"platform": DatabaseBackup, "n8n": DatabaseBackup, "monitoring": MonitoringBackup}


def read(path: Path) -> Configuration:
    """Return the configuration in a file; raise ConfigurationError if it can't be read, or its keys are wrong."""
    try:
        content = yaml.safe_load(path.read_text())
        environment = {name: str(value) for name, value in content.get("environment", {}).items()}
        if "password_file" in content:
            environment["PGPASSWORD"] = Path(content["password_file"]).read_text().strip()
        backups = {name: _backup(name, section) for name, section in content["backups"].items()}
        return Configuration(Path(content["folder"]), environment, backups)
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} is not a valid configuration: {type(error).__name__}: {error}.") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _as_is(value: Any) -> Any:
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list of names")
    return tuple(map(str, value))


READERS: dict[Any, Callable[[Any], Any]] = {Path: Path, Path | None: Path, tuple[str, ...]: _names}
"""The functions that convert values of a section, by the type of the field."""


def _backup(name: str, section: Mapping[str, Any]) -> Backup:
    if name not in KINDS:
        raise ConfigurationError(f"there is no backup {name}; there are {', '.join(KINDS)}.")
    section = dict(section)
    try:
        every_seconds, keep = (section.pop(key) for key in ("every_seconds", "keep"))
    except KeyError as error:
        raise ConfigurationError(f"{name} lacks {error.args[0]}.") from error
    for key, value in (("every_seconds", every_seconds), ("keep", keep)):
        if not isinstance(value, int) or value < 1:
            raise ConfigurationError(f"{name} has {key}: {value}; give a whole number from 1 on.")
    kind = KINDS[name]
    types = {field.name: field.type for field in fields(kind)}
    try:
        source = kind(**{key: READERS.get(types.get(key), _as_is)(value) for key, value in section.items()})
    except TypeError as error:
        raise ConfigurationError(f"{name}: {error}.") from error
    return Backup(name, every_seconds, keep, source)
