"""A plain Odoo: in a virtual environment with what Odoo imports, and without the platform."""

import configparser
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from packaging.requirements import Requirement

from stack.layout import PROJECT
from stack.ports import Ports
from stack.provide import odoo_source
from stack.services import odoo, postgres
from stack.system import answers
from tests.waiting import until

DATABASE = "example"
# packages that both Odoo and the addons need
SHARED = {"psycopg2-binary", "requests"}


class PlainOdoo:
    """An Odoo that pip sees as installed, with ``odoo.conf`` and an empty database of its own.

    :param layout: the layout of the PostgreSQL that its database is on
    :param folder: where its files are, and where commands run
    """

    def __init__(self, layout, folder):
        free = Ports.free()
        self.layout = replace(layout, ports=replace(layout.ports, odoo=free.odoo, gevent=free.gevent))
        self.url = f"http://127.0.0.1:{free.odoo}"
        self.source = odoo_source.choose()
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "ODOO_RC"},
            "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
        }
        self._install()
        self._configure()
        self.drop_database()
        postgres.create_database(layout, DATABASE, postgres.ODOO, "TEMPLATE template0 LC_COLLATE 'C'")

    def _install(self):
        """Make the virtual environment, with the source of Odoo as ``pip install --editable`` would leave it there."""
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        shared = [pin for pin in project["dependencies"] if Requirement(pin).name in SHARED]
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        self.run(f"pip install --quiet {' '.join([*shared, *project['optional-dependencies']['odoo']])}")
        [packages] = (self.folder / "venv").glob("lib/*/site-packages")
        (packages / "odoo.pth").write_text(f"{self.source.folder}\n")
        metadata = packages / f"odoo-{self.source.series}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: odoo\nVersion: {self.source.series}\n")
        command = self.folder / "venv" / "bin" / "odoo"
        command.write_text(f"#!{self.folder / 'venv' / 'bin' / 'python'}\n{odoo_source.SCRIPT}")
        command.chmod(0o700)

    def _configure(self):
        made = odoo.configure(self.layout, self.source, database=DATABASE, workers=2, data_dir=self.folder / "data")
        text = configparser.RawConfigParser()
        text.read(made)
        # may be on another file system
        self.configuration = Path(shutil.move(made, self.folder / "odoo.conf"))
        self.set(
            addons_path=",".join(map(str, self.source.addons_path)),
            server_wide_modules=text["options"]["server_wide_modules"].removesuffix(
                ",influencegen_telemetry,odoo_telemetry"
            ),
        )

    def set(self, **options):
        """Set options of ``odoo.conf``."""
        text = configparser.RawConfigParser()
        text.read(self.configuration)
        text["options"].update(options)
        with self.configuration.open("w") as file:
            text.write(file)

    def run(self, command, given=""):
        """Run a command of bash as somebody who is in :attr:`folder` would; return what it prints.

        :param str given: its standard input
        """
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self._environment,
            input=given, capture_output=True, text=True,
        )  # fmt: skip
        assert not done.returncode, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    def shell(self, script):
        """Run Python in ``odoo shell``; return what it prints."""
        return self.run(f"odoo shell --config odoo.conf --database {DATABASE} --no-http", script)

    @contextmanager
    def serving(self):
        """Run the server during the block."""
        with (self.folder / "odoo.log").open("a") as log:
            process = subprocess.Popen(
                [self.folder / "venv" / "bin" / "odoo", "--config", self.configuration],
                cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            until(lambda: answers(f"{self.url}/web/login"), f"{self.url} answers", 180)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def drop_database(self):
        """Drop the database, if there is one."""
        postgres.execute(self.layout, f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)', role=postgres.ADMIN)
