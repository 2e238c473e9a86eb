"""An Odoo beside OCA's addons."""

import configparser
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import requests

from stack.layout import PROJECT
from stack.ports import Ports
from stack.provide import odoo_source
from stack.services import odoo, postgres
from stack.system import answers
from tests.end_to_end.client import TIMEOUT, Client, Refused
from tests.waiting import until

from .samples import Samples

TELEMETRY = "odoo_telemetry"
ORDERS = (FIRST, LAST) = ("telemetry_first", "telemetry_last")
"""Whether telemetry is installed, and loaded for all databases, before OCA's addons or after them."""

FOLDER = Path(__file__).parent
OWN = ("lab_jobs",)
"""The addons of ``addons/`` that are installed beside OCA's; a test installs others itself."""
NOT_INSTALLED = {"prometheus_exporter"}
"""OCA's addons that a test installs itself, because they take something from telemetry."""
SERVER_WIDE = ("rpc_helper", "sentry", "queue_job")
"""OCA's addons that are loaded for all databases, as their READMEs ask for."""
# Odoo's own addons that OCA's addons depend on; installing them takes longest, so it is done once
_BASIS = ("account", "portal", "onboarding", "base_sparse_field", "auth_signup", "web_tour")
_ADDON = re.compile(r"^odoo-addon-(\w+)==", re.MULTILINE)
_SENTRY = "http://key@127.0.0.1:9/1"
"""Where errors would be reported to: a port on which nobody listens."""
_JOB_RUNNER = {"channels": "root:2", "scheme": "http", "host": "127.0.0.1"}

ENDPOINT = """
values = {{**{values!r}, "exec_as_user_id": env.ref("base.user_admin").id}}
if not env["endpoint.endpoint"].search([("route", "=", values["route"])]):
    # what is created is registered when an administrator asks for it
    env["endpoint.endpoint"].create(values).registry_sync = True
    env.cr.commit()
    # the workers' routing maps
    env.registry.signal_changes()
"""
BUSY = """
SELECT FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND state != 'idle' AND pid != pg_backend_pid()
"""
SETTINGS = """
env.ref("base.user_admin").password = {password!r}
env["ir.config_parameter"].set_param("web.base.url", {url!r})
env["ir.config_parameter"].set_param("web.base.url.freeze", "True")
env["telemetry.settings"]._set_scrape_token({token!r})
env.cr.commit()
"""


class Lab:
    """An Odoo with two workers, and a database with telemetry, OCA's addons and those of ``addons/``.

    :param layout: the layout of the PostgreSQL that its database is on, and of the folder that its files are in
    :param str order: one of ``ORDERS``
    """

    def __init__(self, layout, order):
        free = Ports.free()
        self.layout = replace(layout, ports=replace(layout.ports, odoo=free.odoo, gevent=free.gevent))
        self.folder, self.order = layout.state / f"lab_{order}", order
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        self.source = odoo_source.choose()
        self.url = f"http://127.0.0.1:{free.odoo}"
        self.database = f"lab_{order}"
        self.token = layout.secret("scrape-token")
        self._password = layout.secret("admin")
        pins = (FOLDER / f"requirements-{self.source.series}.txt").read_text()
        self.available = _ADDON.findall(pins)
        """The names of OCA's addons that there are for the series."""
        self.oca = [addon for addon in self.available if addon not in NOT_INSTALLED]
        """The names of OCA's addons that are installed."""
        self._programs = self.source.environment(pins) / "bin"
        self._process = None
        self._configure()
        self._install()

    @property
    def series(self):
        """The series of Odoo, such as 19.0."""
        return self.source.series

    # ------------------------------------------------------------------ what users do

    def client(self, login="admin"):
        """Return a :class:`~tests.end_to_end.client.Client` that is logged in as a user whose password is the lab's."""
        return Client(self.url).log_in(self.database, login, self._password)

    def call(self, model, method, *arguments, **keywords):
        """Call a public method of a model as the administrator, over RPC; return its result."""
        return self.client().call(model, method, *arguments, **keywords)

    def request(self, path, method="GET", **options):
        """Send a request without a session; return the response. ``options`` are those of ``requests.request``."""
        return requests.request(
            method, f"{self.url}{path}", **{"timeout": TIMEOUT, "allow_redirects": False, **options}
        )

    def scrape(self, path="/metrics"):
        """Return the :class:`~.samples.Samples` of a scrape."""
        response = self.request(path, headers={"Authorization": f"Bearer {self.token}"})
        response.raise_for_status()
        return Samples(response.text)

    def install(self, *addons):
        """Install addons while the server runs, as an administrator does in Apps."""
        self._press("button_immediate_install", addons)

    def uninstall(self, *addons):
        """Uninstall addons while the server runs, as an administrator does in Apps."""
        self._press("button_immediate_uninstall", addons)

    def _press(self, button, addons):
        ids = self.call("ir.module.module", "search", [("name", "in", addons)])
        assert len(ids) == len(addons), addons

        def pressed():
            try:
                self.call("ir.module.module", button, ids)
            except Refused as refusal:
                # Odoo asks to try again
                assert "scheduled action" in str(refusal), refusal
                return False
            return True

        until(pressed, f"{button} of {addons}", 120)

    def shell(self, script):
        """Run Python in ``odoo shell`` beside the server; return what it prints."""
        return self._run("shell", "--database", self.database, "--no-http", given=script)

    def sql(self, statement):
        """Return the rows of one statement in the database."""
        return postgres.execute(self.layout, statement, database=self.database)

    def endpoint(self, route, code):
        """Have OCA's ``endpoint`` answer GET requests for ``route`` (URL pattern) by running ``code`` (Python)."""
        self.shell(ENDPOINT.format(values={
            "name": route, "route": route, "request_method": "GET", "auth_type": "public", "exec_mode": "code",
            "code_snippet": code,
        }))  # fmt: skip

    def request_all_workers(self, path):
        """Send GET requests until each of the two workers has answered five; return how many were sent."""
        before, sent = self._answered(path), 0
        while sorted((self._answered(path) - before).values())[-2:-1] < [5]:
            assert sent < 1000, f"one worker answers all requests for {path}"
            self.request(path)
            sent += 1
        return sent

    def _answered(self, path):
        """Return a Counter of the GET requests for ``path`` by the process that answered, as they were logged."""
        return Counter(self.answered_by(path, "GET"))

    def answered_by(self, path, method="POST"):
        """Return the process ids (list of int) that have answered requests for ``path``, as they were logged."""
        line = rf'^\S+ \S+ (\d+) INFO .* "{method} {re.escape(path)}[ #]'
        return list(map(int, re.findall(line, self.log, re.MULTILINE)))

    @contextmanager
    def paused(self, worker):
        """Stop a worker (process id) during the block: the other one answers all requests."""
        until(lambda: self._stopped_idle(worker), f"worker {worker} has nothing locked")
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)

    def _stopped_idle(self, worker):
        """Stop a worker unless it has a lock or a transaction, which the other one might wait for; return whether."""
        os.kill(worker, signal.SIGSTOP)
        if not self.sql(BUSY) and not re.search(rf" FLOCK .* {worker} ", Path("/proc/locks").read_text()):
            return True
        os.kill(worker, signal.SIGCONT)
        return False

    def session_file(self, client):
        """Return the path of the file of a client's session."""
        session = client.session.cookies["session_id"]
        return self.folder / "data" / "sessions" / session[:2] / session

    @property
    def pid(self):
        """The process id of the server."""
        return self._process.pid

    @property
    def installation_log(self):
        """What Odoo has logged while the addons were installed."""
        return (self.folder / "once.log").read_text()

    @property
    def log(self):
        """What the server has logged."""
        return self._log.read_text()

    # ------------------------------------------------------------------ the server

    @contextmanager
    def serving(self):
        """Run the server during the block."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self):
        """Start the server; return when it answers."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [*self._command, "--config", self.configuration],
                cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until(lambda: answers(f"{self.url}/web/login"), f"{self.url} answers", 180)

    def stop(self):
        """Stop the server."""
        if self._process:
            self._process.terminate()
            self._process.wait(180)
            self._process = None

    def restart(self, **options):
        """Start the server again, with other ``options`` in ``odoo.conf``."""
        self.stop()
        self.set(**options)
        self.start()

    def option(self, name):
        """Return what ``odoo.conf`` has for an option."""
        text = configparser.RawConfigParser()
        text.read(self.configuration)
        return text["options"][name]

    def set(self, section="options", **options):
        """Set options of ``odoo.conf``; they hold from the next start."""
        text = configparser.RawConfigParser()
        text.read(self.configuration)
        text.read_dict({section: options})
        with open(self.configuration, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            text.write(file)

    def drop_database(self):
        """Drop the database, if there is one."""
        self._execute(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    # ------------------------------------------------------------------ how it is made

    def _configure(self):
        made = odoo.configure(
            self.layout, self.source, database=self.database, workers=2, data_dir=self.folder / "data"
        )  # fmt: skip
        # may be on another file system
        self.configuration = Path(shutil.move(made, self.folder / "odoo.conf"))
        self._log = self.folder / "odoo.log"
        self._command = [self._programs / "python", self._programs / "odoo"]
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "ODOO_RC"},
            **odoo.environment(self.source),
        }
        core = ["base", *(["rpc"] if any((path / "rpc").is_dir() for path in self.source.addons_path) else []), "web"]
        others = [addon for addon in SERVER_WIDE if addon in self.oca]
        telemetry = [TELEMETRY]
        self.set(
            addons_path=",".join(map(str, [*self.source.addons_path, FOLDER / "addons", *self._product()])),
            server_wide_modules=",".join(core + (telemetry + others if self.order == FIRST else others + telemetry)),
            # an installation in a worker
            limit_time_cpu=600,
            limit_time_real=1200,
            **(reported := {"sentry_enabled": "True", "sentry_dsn": _SENTRY}),
        )
        # where 19.0 looks for them
        self.set("sentry", **reported)
        self.set("queue_job", **_JOB_RUNNER, port=self.layout.ports.odoo)

    def _product(self):
        """Return the folders of addons with the addon of this checkout alone, without the platform."""
        product = self.folder / "product"
        product.mkdir(exist_ok=True)
        if not (product / TELEMETRY).exists():
            (product / TELEMETRY).symlink_to(PROJECT / TELEMETRY)
        return [product]

    def _install(self):
        self.drop_database()
        self._execute(f'CREATE DATABASE "{self.database}" OWNER {postgres.ODOO} TEMPLATE "{self._basis()}"')
        others = ",".join([*self.oca, *OWN])
        for addons in (TELEMETRY, others) if self.order == FIRST else (others, TELEMETRY):
            self._server(self.database, addons)
        self.set_up()

    def set_up(self):
        """Give the administrator a password, and telemetry its token."""
        self.shell(SETTINGS.format(password=self._password, url=self.url, token=self.token))

    def _basis(self):
        """Return the name of the database with Odoo's own addons that OCA's addons depend on; it is made once."""
        key = hashlib.sha256(f"{self.source.folder} {_BASIS}".encode()).hexdigest()[:8]
        name, unfinished = f"lab_basis_{key}", f"lab_unfinished_{key}"
        if not self._execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self._execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
            postgres.create_database(self.layout, unfinished, postgres.ODOO, "TEMPLATE template0 LC_COLLATE 'C'")
            self._server(unfinished, ",".join(_BASIS), "--load", "base,web")
            self._execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
        return name

    def _server(self, database, addons, *options):
        self._run("server", "--database", database, "--init", addons, "--stop-after-init", "--no-http", "--workers=0",
                  *options)  # fmt: skip

    def _run(self, command, *options, given=""):
        """Run a command of Odoo; return what it prints."""
        done = subprocess.run(
            [*self._command, command, "--config", self.configuration, *options],
            cwd=self.folder, env=self._environment, input=given, capture_output=True, text=True,
        )  # fmt: skip
        with (self.folder / "once.log").open("a") as log:
            log.write(done.stderr)
        assert not done.returncode, f"{command} {options}\n{done.stdout[-2000:]}\n{done.stderr[-8000:]}"
        return done.stdout

    def _execute(self, statement):
        return postgres.execute(self.layout, statement, role=postgres.ADMIN)
