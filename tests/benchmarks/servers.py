"""Odoo servers side by side: each with 4 workers, a database, and addons of its own, on one PostgreSQL of their own."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import psutil

from stack import odoo, postgres
from stack.console import step
from stack.layout import Layout
from stack.ports import Ports
from stack.processes import Processes, Program
from stack.system import answers

PLATFORM, TELEMETRY = odoo.ADDONS


@dataclass(frozen=True)
class Server:
    """A running Odoo: its layout (one state, but ports of its own), its source, its configuration and its processes."""

    name: str
    layout: Layout
    source: odoo.Source
    configuration: Path
    processes: Processes

    @property
    def port(self) -> int:
        return self.layout.ports.odoo

    def url(self, path: str) -> str:
        """Return the address of ``path``."""
        return f"http://127.0.0.1:{self.port}{path}"

    def workers(self) -> list[psutil.Process]:
        """Return its live worker processes but that of the websocket, the oldest first."""
        found = []
        for child in psutil.Process(self.processes.pid(self.name)).children():
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE and "gevent" not in child.cmdline():
                    found.append(child)
        return sorted(found, key=psutil.Process.create_time)

    def cpu_seconds(self) -> float:
        """Return the processor time that its workers have used."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers())

    def restart(self) -> None:
        """Start it, anew if it runs, and wait until it answers."""
        self.processes.stop(self.name)
        self.processes.start(self.name)
        self.processes.wait(self.name, lambda: answers(self.url("/web/login")))

    def shell(self, script: str) -> None:
        """Run ``script`` in Odoo's shell, in a process beside the server."""
        odoo.run_once(self.layout, self.source, self.configuration, "shell", script=script)


@contextmanager
def running(
    source: odoo.Source, addons: Mapping[str, str], path: Path | None = None,
    settings: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Iterator[dict[str, Server]]:  # fmt: skip
    """Run one server for each name of ``addons``, with the platform and that addon (or '' for none) installed.

    :param path: a folder with addons, besides the project's
    :param settings: options of the configuration file of the server of each name
    :return: the servers by name, when all of them answer; they and all that they wrote are gone after the block
    """
    state = Path(tempfile.mkdtemp(prefix="influencegen-benchmark-"))
    layout = Layout(state, Ports.free())
    processes = Processes(layout)
    try:
        postgres.create(layout)
        database = postgres.program(layout)
        processes.configure([database])
        processes.start("postgres")
        processes.wait("postgres", lambda: postgres.answers(layout))
        servers = _installed(layout, source, processes, addons, path)
        for name, options in settings.items():
            with open(servers[name].configuration, "a") as configuration:
                configuration.writelines(f"{option} = {value}\n" for option, value in options.items())
        processes.configure([database, *map(_program, servers.values())])
        with step(f"servers {', '.join(servers)}"):
            for server in servers.values():
                server.restart()
        yield servers
    finally:
        processes.stop_all()
        postgres.remove(layout)
        shutil.rmtree(state)


def _installed(layout, source, processes, addons, path):
    servers, state = {}, layout.state / "odoo"
    platform = _configure(layout, source, "platform", "", path)
    with step(f"Odoo {source.series} with {PLATFORM}"):
        _create(layout, "platform", "template0")
        odoo.run_once(layout, source, platform, "server", "--init", PLATFORM, "--stop-after-init")
    for name, addon in addons.items():
        own = replace(layout, ports=replace(Ports.free(), pg=layout.ports.pg))
        configuration = _configure(own, source, name, addon, path)
        servers[name] = Server(name, own, source, configuration, processes)
        with step(f"database {name}, {f'with {addon}' if addon else 'as it is'}"):
            _create(layout, name, "platform")
            shutil.copytree(state / "filestore" / "platform", state / "filestore" / name)
            if addon:
                odoo.run_once(own, source, configuration, "server", "--init", addon, "--stop-after-init")
    return servers


def _create(layout, name, template):
    postgres.execute(layout, f"CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" ENCODING 'UTF8' LC_COLLATE 'C'")


def _configure(layout, source, name, addon, path):
    """Write the configuration of a server, with telemetry in the server only if it is the addon."""
    configuration = odoo.configure(layout, source, database=name)
    text = configuration.read_text()
    if addon != TELEMETRY:
        text = text.replace(f",{TELEMETRY}", "")
    if path:
        text = re.sub(r"^addons_path = .*$", rf"\g<0>,{path}", text, flags=re.MULTILINE)
    configuration.write_text(text)
    return configuration


def _program(server):
    return Program(
        name=server.name,
        command=[sys.executable, odoo.COMMAND, "--config", server.configuration],
        # one hash seed for all, or their dictionaries would differ by chance
        environment={**odoo.environment(server.source), "PYTHONHASHSEED": "0"},
    )
