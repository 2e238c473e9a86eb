"""Prometheus and Alertmanager: the project's own configuration, with this machine's ports and paths put in."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from stack import private
from stack.layout import PASSWORDS, PROJECT, Layout
from stack.ports import Ports
from stack.provide import debian
from stack.services.processes import Program
from stack.services.web_config import web_config

FOLDER = PROJECT / "prometheus"
ADDRESS = re.compile(r"\b(127\.0\.0\.1|localhost):(\d+)")
# Keys of both configuration formats whose values are paths, relative to the file.
PATHS = {"rule_files", "templates"}
# The files with a secret that the configurations name, and the secret.
SECRETS = {
    "token": "scrape-token",
    **{f"passwords/{name}": name for name in ("prometheus", "alertmanager", "victoria", "exporters")},
    "/etc/alertmanager/chat_token": "chat-token",
    "/etc/alertmanager/pager_key": "pager-key",
}
# By default, pages of any origin may read Prometheus' responses; no origin is named `none`.
NO_OTHER_ORIGIN = "--web.cors.origin=none"
# Where Debian's Alertmanager reads its templates.
ASSETS = Path("/usr/share/prometheus/alertmanager")


def executable(name: str) -> Path:
    """Return the path of prometheus, promtool, prometheus-alertmanager or amtool: on PATH, or else Debian's."""
    return debian.program(name, "prometheus-alertmanager" if name == "amtool" else name)


def configure(layout: Layout) -> None:
    """Write both configurations for this layout's ports, secrets and paths."""
    secrets = {file: layout.secret_file(secret) for file, secret in SECRETS.items()}
    for name, source in (("prometheus", "prometheus.yml"), ("alertmanager", "alertmanager/alertmanager.yml")):
        path = FOLDER / source
        content = adapt(yaml.safe_load(path.read_text()), layout.ports, path.parent, secrets)
        private.write(layout.state / f"{name}.yml", yaml.safe_dump(content, sort_keys=False))


def only_with_password(layout: Layout, server: str) -> str:
    """Return the option that makes a server, given by port name, require its password."""
    secret = PASSWORDS[server]
    path = layout.state / f"web-{secret}.yml"
    private.write(path, web_config(layout.secret(secret), private.read(path)))
    return f"--web.config.file={path}"


def programs(layout: Layout) -> list[Program]:
    """Return how both servers are run."""
    alertmanager = executable("prometheus-alertmanager")
    ports = layout.ports
    return [
        Program(
            name="prometheus",
            command=[
                executable("prometheus"),
                f"--config.file={layout.state / 'prometheus.yml'}",
                f"--storage.tsdb.path={layout.state / 'prometheus'}",
                "--storage.tsdb.retention.time=14d",
                f"--web.listen-address=127.0.0.1:{ports.prometheus}",
                only_with_password(layout, "prometheus"),
                NO_OTHER_ORIGIN,
                "--enable-feature=exemplar-storage",
                # for the snapshots that backups are made of
                "--web.enable-admin-api",
            ],
        ),
        Program(
            name="alertmanager",
            command=[
                reading_from(ASSETS, alertmanager),
                f"--config.file={layout.state / 'alertmanager.yml'}",
                f"--storage.path={layout.state / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
                only_with_password(layout, "alertmanager"),
                # one Alertmanager has no peers to gossip with
                "--cluster.listen-address=",
            ],
            directory=unpacked(ASSETS, alertmanager),
        ),
    ]


def adapt(content: Any, ports: Ports, folder: Path, secrets: dict[str, Path], key: str = "") -> Any:
    """Return a configuration with default ports exchanged, relative paths made absolute and secret files put in.

    `folder` is what relative paths are relative to; `secrets` gives the file in place of each file with a secret.
    """
    if isinstance(content, dict):
        return {name: adapt(value, ports, folder, secrets, name) for name, value in content.items()}
    if isinstance(content, list):
        return [adapt(value, ports, folder, secrets, key) for value in content]
    if isinstance(content, str):
        if key.endswith("_file"):
            return str(secrets[content])
        return str(folder / content) if key in PATHS else _with_ports(content, ports)
    return content


def unpacked(folder: Path, program: Path) -> Path:
    """Return the path of `folder` in the unpacked package of a program; PROJECT if it does not exist there."""
    unpacked = program.parents[2] / folder.relative_to("/")
    return unpacked if unpacked.exists() else PROJECT


def reading_from(folder: Path, program: Path) -> Path:
    """Return a copy of a program that reads `folder` in its working directory, if the machine lacks `folder`.

    The path is compiled in; it is exchanged for one of the same length.
    """
    if folder.exists() or unpacked(folder, program) == PROJECT:
        return program
    copy = program.with_name(f"{program.name}.relocated")
    if not copy.exists():
        here = b".".ljust(len(str(folder)), b"/")
        unfinished = copy.with_suffix(".unfinished")
        unfinished.write_bytes(program.read_bytes().replace(str(folder).encode(), here))
        unfinished.chmod(0o755)
        unfinished.rename(copy)
    return copy


def _with_ports(text: str, ports: Ports) -> str:
    defaults = {default: name for name, default in asdict(Ports()).items()}
    chosen = asdict(ports)

    def exchange(match: re.Match[str]) -> str:
        number = int(match[2])
        return f"{match[1]}:{chosen[defaults[number]] if number in defaults else number}"

    return ADDRESS.sub(exchange, text)
