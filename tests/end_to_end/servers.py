"""Servers of their own, beside the running system, on the spare copies of its database."""

import configparser
import os
import shutil
import subprocess
from contextlib import contextmanager

import requests

from stack.ports import Ports
from stack.services import odoo
from stack.system import answers
from tests.waiting import until

SPARE = ("trial_one", "trial_two")


class Server:
    """One Odoo server on some of the spare databases.

    :param workers: how many processes answer requests; 0 for threads
    :param server_wide: whether telemetry is among the modules that Odoo loads for all databases
    :param settings: options of its configuration file besides
    """

    def __init__(self, system, databases, workers, server_wide=True, **settings):
        self.ports = ports = Ports.free()
        name = f"{'-'.join(databases)}-{workers}"
        self.system = system
        self.url = f"http://127.0.0.1:{ports.odoo}"
        self.data = system.layout.state / f"data-{name}"
        self.configuration = system.layout.state / f"{name}.conf"
        self.log = system.layout.logs / f"{name}.log"
        text = configparser.RawConfigParser()
        text.read(system.layout.state / f"{odoo.DATABASE}.conf")
        text["options"].update({
            "data_dir": str(self.data), "http_port": str(ports.odoo), "gevent_port": str(ports.gevent),
            "db_name": ",".join(databases), "dbfilter": f"^({'|'.join(databases)})$", "workers": str(workers),
            **settings,
        })  # fmt: skip
        if not server_wide:
            modules = text["options"]["server_wide_modules"].removesuffix(",influencegen_telemetry,odoo_telemetry")
            text["options"]["server_wide_modules"] = modules
        with open(self.configuration, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            text.write(file)
        for database in databases:
            files = odoo.files(system.layout) / "filestore" / odoo.DATABASE
            shutil.copytree(files, self.data / "filestore" / database, dirs_exist_ok=True)

    @property
    def telemetry(self):
        """The folder of its metrics."""
        return self.data / "odoo_telemetry"

    def metrics(self, token=None):
        """Return the response to a scrape with ``token``, by default the one that the system was made with."""
        token = token or self.system.layout.secret("scrape-token")
        return requests.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def upgrade(self, *addons):
        """Upgrade addons in the database while the server runs."""
        options = ("--update", ",".join(addons), "--stop-after-init")
        odoo.run_once(self.system.layout, self.system.source, self.configuration, "server", *options)


@contextmanager
def serving(system, databases, workers, **options):
    """Serve spare databases during the block; yield the :class:`Server`, whose parameters these are."""
    server = Server(system, databases, workers, **options)
    with open(server.log, "a") as log:
        process = subprocess.Popen(
            [*system.source.command, "--config", server.configuration],
            env={**os.environ, **odoo.environment(system.source)}, cwd=system.layout.state,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    server.pid = process.pid
    try:
        until(lambda: answers(f"{server.url}/web/login?db={databases[0]}"), f"{server.url} answers", 120)
        yield server
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(server.data)
