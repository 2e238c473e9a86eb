"""An Odoo with the addons of a former version, which can be upgraded to those of this checkout.

``former.tar.xz`` has the addons of 1.0.0 (commit 7a6684d) and 1.1.1 (commit eaca090) as they were, but without tests,
translations and what only browsers load.
"""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from stack.layout import PROJECT, Layout
from stack.ports import Ports
from stack.provide import odoo_source
from stack.services import odoo, postgres
from stack.services.processes import Processes
from stack.system import answers
from tests.waiting import until

A_FACT = "influencer_registration_attempts_total"
ADDONS = "influencegen,influencegen_telemetry"
DATABASE = "upgraded"
FORMER = Path(__file__).parent / "former.tar.xz"
TOKEN = "token-of-the-former-version"
Series = tuple[str, frozenset[tuple[str, str]]]


class Installation:
    """A PostgreSQL, a database and Odoo's files of their own, under the folder `state`."""

    def __init__(self, state: Path):
        self.layout = Layout(state, Ports.free())
        self.url = f"http://127.0.0.1:{self.layout.ports.odoo}"
        self.source = odoo_source.choose()
        self.processes = Processes(self.layout)
        self.data = state / "files"

    def install(self, version: str | None = None) -> None:
        """Install the addons of a former version, or of this checkout, in a new database."""
        postgres.create(self.layout)
        self.processes.configure([postgres.program(self.layout)])
        self.processes.start("postgres")
        self.processes.wait("postgres", lambda: postgres.answers(self.layout))
        postgres.create_roles(self.layout)
        postgres.create_database(self.layout, DATABASE, postgres.ODOO, "TEMPLATE template0 LC_COLLATE 'C'")
        self.configure()
        if version:
            former = self.layout.state / "former"
            with tarfile.open(FORMER) as archive:
                archive.extractall(former, filter="data")
            text = self.configuration.read_text().replace(str(PROJECT), str(former / version))
            self.configuration.write_text(text.replace(",odoo_telemetry", ""))
        self.run("server", "--init", ADDONS, "--stop-after-init")

    def configure(self) -> None:
        """Let Odoo find the addons of this checkout."""
        self.configuration = odoo.configure(self.layout, self.source, database=DATABASE, workers=0, data_dir=self.data)

    def upgrade(self) -> list[str]:
        """Upgrade the addons to those of this checkout; return what was logged."""
        self.configure()
        self._log.unlink()
        self.run("server", "--update", ADDONS, "--stop-after-init")
        return self._log.read_text().splitlines()

    def run(self, *arguments: str, script: str | None = None) -> None:
        """Run Odoo's command line."""
        odoo.run_once(self.layout, self.source, self.configuration, *arguments, script=script)

    @property
    def _log(self) -> Path:
        return self.layout.logs / "odoo-once.log"

    def sql(self, statement: str) -> list[tuple]:
        """Run a statement in the database and return its rows."""
        return postgres.execute(self.layout, statement, database=DATABASE)

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """Serve the database during the block."""
        with open(self.layout.logs / "odoo.log", "a") as log:
            process = subprocess.Popen(
                [*self.source.command, "--config", self.configuration],
                env={**os.environ, **odoo.environment(self.source)}, cwd=self.layout.state,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            until(lambda: answers(f"{self.url}/web/health"), f"{self.url} answers", 120)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def scrape(self) -> dict[Series, float]:
        """Serve the database, and return what a scrape with the token shows.

        A reading of the facts has a time limit, so the first scrape of a busy machine may lack them.
        """
        with self._serving():
            return until(self._scraped_facts, "a scrape shows facts", 120)

    def _scraped_facts(self) -> dict[Series, float] | None:
        """Return what a scrape shows; None when it shows no fact."""
        response = requests.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        response.raise_for_status()
        scrape = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }
        return scrape if any(name == A_FACT for name, _ in scrape) else None

    def stop(self) -> None:
        """Stop all of it, and delete the database."""
        self.processes.stop_all()
        postgres.remove(self.layout)
