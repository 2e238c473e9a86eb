"""Odoo servers side by side: each with 4 workers, a database, and addons of its own, on one PostgreSQL of their own."""

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import psutil

from stack.console import step
from stack.layout import ADDONS, PROJECT, Layout
from stack.ports import Ports
from stack.provide import odoo_source
from stack.services import odoo, postgres
from stack.services.processes import Processes, Program
from stack.system import answers

PLATFORM, GENERIC, TELEMETRY = ADDONS


@dataclass(frozen=True)
class Server:
    """A running Odoo: its layout (one state, but ports of its own), its source, its configuration and its processes."""

    name: str
    layout: Layout
    source: odoo_source.Source
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
        """Return the CPU time that its workers have used."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.workers())

    def restart(self) -> None:
        """Start it, again if it runs, and wait until it answers."""
        self.processes.stop(self.name)
        self.processes.start(self.name)
        self.processes.wait(self.name, lambda: answers(self.url("/web/login")))

    def shell(self, script: str) -> None:
        """Run ``script`` in Odoo's shell, in a process beside the server."""
        odoo.run_once(self.layout, self.source, self.configuration, "shell", script=script)


class Cluster:
    """A PostgreSQL of its own, and the databases and servers that are made on it.

    :param path: a folder with addons, besides the project's
    """

    def __init__(self, layout: Layout, source: odoo_source.Source, processes: Processes, path: Path | None = None):
        self.layout, self._source, self._processes, self._path = layout, source, processes, path
        self._platforms: dict[Path, str] = {}

    def platform(self, checkout: Path = PROJECT) -> str:
        """Return the name of a database in which the platform of a checkout is installed, and nothing else."""
        if checkout not in self._platforms:
            name = f"platform{len(self._platforms)}"
            with step(f"Odoo {self._source.series} with {PLATFORM}"):
                self.copy("template0", name)
                configuration = self._configure(self.layout, name, "", checkout)
                self._run_once(self.layout, configuration, "--init", PLATFORM)
            self._platforms[checkout] = name
        return self._platforms[checkout]

    def server(self, name: str, addon: str, checkout: Path = PROJECT, template: str = "") -> Server:
        """Return a server, which does not run yet, on a database of its own, with the platform and ``addon`` installed.

        :param addon: name of the addon, or '' for none
        :param checkout: the folder that the platform and telemetry are taken from
        :param template: the database that it begins with, instead of an empty platform: it is copied, and the platform
            in it is brought up to what the checkout has
        """
        own = replace(self.layout, ports=replace(Ports.free(), pg=self.layout.ports.pg))
        configuration = self._configure(own, name, addon, checkout)
        with step(f"database {name}, {f'with {addon}' if addon else 'as it is'}"):
            self.copy(template or self.platform(checkout), name)
            options = [*(("--update", PLATFORM) if template else ()), *(("--init", addon) if addon else ())]
            if options:
                self._run_once(own, configuration, *options)
        return Server(name, own, self._source, configuration, self._processes)

    def copy(self, template: str, name: str) -> None:
        """Make a database as a copy of another one, files too."""
        # WAL_LOG is faster for an empty database, FILE_COPY for a large one
        strategy = "wal_log" if template == "template0" else "file_copy"
        options = f"TEMPLATE \"{template}\" STRATEGY {strategy} ENCODING 'UTF8' LC_COLLATE 'C'"
        postgres.create_database(self.layout, name, postgres.ODOO, options)
        files = odoo.files(self.layout) / "filestore"
        if (files / template).exists():
            shutil.copytree(files / template, files / name)

    def run(self, servers: Iterable[Server]) -> None:
        """Start servers and wait until all of them answer."""
        servers = list(servers)
        self._processes.configure([postgres.program(self.layout), *map(_program, servers)])
        with step(f"servers {', '.join(server.name for server in servers)}"):
            for server in servers:
                server.restart()

    def _run_once(self, layout, configuration, *options):
        odoo.run_once(layout, self._source, configuration, "server", *options, "--stop-after-init")

    def _configure(self, layout, name, addon, checkout):
        """Write the configuration of a server, with telemetry in the server only if it is the addon.

        Each server has values of its own: other builds of telemetry may keep them in another form.
        """
        configuration = odoo.configure(layout, self._source, database=name)
        text = configuration.read_text()
        if addon != TELEMETRY:
            text = text.replace(f",{TELEMETRY},{GENERIC}", "")
        elif checkout and not (checkout / GENERIC).exists():
            # a build of before the addon was split
            text = text.replace(f",{GENERIC}", "")
        ours = rf"^(addons_path = .*){re.escape(str(PROJECT))}$"
        addons = ",".join(map(str, filter(None, (checkout, self._path))))
        text = re.sub(ours, lambda line: line[1] + addons, text, flags=re.MULTILINE)
        values = layout.state / f"telemetry-{name}"
        configuration.write_text(f"{text}odoo_telemetry_dir = {values}\ninfluencegen_telemetry_dir = {values}\n")
        return configuration


@contextmanager
def cluster(source: odoo_source.Source, path: Path | None = None) -> Iterator[Cluster]:
    """Start a PostgreSQL and return the cluster; it and all that was made on it are gone after the block.

    :param path: a folder with addons, besides the project's
    """
    state = Path(tempfile.mkdtemp(prefix="influencegen-benchmark-"))
    layout = Layout(state, Ports.free())
    processes = Processes(layout)
    try:
        postgres.create(layout)
        processes.configure([postgres.program(layout)])
        processes.start("postgres")
        processes.wait("postgres", lambda: postgres.answers(layout))
        postgres.create_roles(layout)
        yield Cluster(layout, source, processes, path)
    finally:
        processes.stop_all()
        postgres.remove(layout)
        shutil.rmtree(state)


@contextmanager
def running(
    source: odoo_source.Source, addons: Mapping[str, str], path: Path | None = None,
    settings: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    checkouts: Mapping[str, Path] = MappingProxyType({}),
) -> Iterator[dict[str, Server]]:  # fmt: skip
    """Run one server for each name of ``addons``, with the platform and that addon (or '' for none) installed.

    :param path: a folder with addons, besides the project's
    :param settings: options of the configuration file of the server of each name
    :param checkouts: the folder that the server of each name takes the project's addons from, if not this checkout
    :return: the servers by name, when all of them answer; they and all that they wrote are gone after the block
    """
    with cluster(source, path) as made:
        servers = {name: made.server(name, addon, checkouts.get(name, PROJECT)) for name, addon in addons.items()}
        for name, options in settings.items():
            with open(servers[name].configuration, "a") as configuration:
                configuration.writelines(f"{option} = {value}\n" for option, value in options.items())
        made.run(servers.values())
        yield servers


def _program(server):
    return Program(
        name=server.name,
        command=[*server.source.command, "--config", server.configuration],
        # one hash seed for all, or their dictionaries would differ by chance
        environment={**odoo.environment(server.source), "PYTHONHASHSEED": "0"},
    )
