"""A PostgreSQL of its own with its exporters, to be given statements of known duration."""

import os
import signal
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2

from stack import system
from stack.layout import Layout
from stack.ports import Ports
from stack.services import exporters, odoo, postgres
from stack.services.processes import Processes
from tests.exporters.served import served
from tests.waiting import until

ELSEWHERE = "elsewhere"
EXPORTERS = ("postgres_exporter", "slow_queries")
THRESHOLD_MS = 250
SLOW, QUICK = 0.255, 0.01


class Server:
    """A PostgreSQL whose statements are slow from THRESHOLD_MS on, with its two exporters."""

    def __init__(self, state):
        self.layout = Layout(state, Ports.free())
        self.processes = Processes(self.layout)
        self.logs = postgres.logs(self.layout)

    def start(self):
        postgres.create(self.layout)
        watching = [program for program in exporters.programs(self.layout) if program.name in EXPORTERS]
        slow_queries = next(program for program in watching if program.name == "slow_queries")
        slow_queries.command.extend(["--threshold", str(THRESHOLD_MS / 1000)])
        self.processes.configure([postgres.program(self.layout), *watching])
        self.start_postgres()
        postgres.create_roles(self.layout)
        for database in (odoo.DATABASE, ELSEWHERE):
            postgres.execute(self.layout, f"CREATE DATABASE {database}")
        self.change("log_min_duration_statement", THRESHOLD_MS)
        for exporter in EXPORTERS:
            self.start_exporter(exporter)

    def start_postgres(self):
        self.processes.start("postgres")
        self.processes.wait("postgres", lambda: postgres.answers(self.layout))

    def start_exporter(self, name="slow_queries"):
        self.processes.start(name)
        self.processes.wait(name, lambda: system.answers(self.url(name)))

    def url(self, name):
        """The address of an exporter's metrics."""
        return self.layout.url(exporters.PORTS[name], "/metrics")

    def kill_exporter(self):
        """End the exporter as a crash would; supervisord starts it again, which takes a moment."""
        killed = self.processes.pid("slow_queries")
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.processes.pid("slow_queries") not in (0, killed), "another exporter")

    def change(self, setting, value):
        """Set a parameter of the server, and wait until new connections have it."""
        postgres.execute(self.layout, f"ALTER SYSTEM SET {setting} = '{value}'", role=postgres.ADMIN)
        postgres.execute(self.layout, "SELECT pg_reload_conf()", role=postgres.ADMIN)
        wanted = f"SELECT 1 FROM pg_settings WHERE name = '{setting}' AND setting = '{value}'"
        until(lambda: postgres.execute(self.layout, wanted, role=postgres.ADMIN), f"{setting} = {value}")

    def execute(self, statement, database=odoo.DATABASE, role=postgres.ODOO):
        """Run a statement as psycopg2 does, by the simple protocol."""
        return postgres.execute(self.layout, statement, database=database, role=role)

    def sleep(self, *seconds, clients=20, database=odoo.DATABASE):
        """Run a statement for each of these durations, by the simple protocol, from some clients at once."""

        def client(mine):
            with closing(psycopg2.connect(**postgres.dsn(self.layout, database))) as connection:
                connection.autocommit = True
                for duration in mine:
                    connection.cursor().execute(f"SELECT\n\t'{{\"Ü\"}}', pg_sleep({duration}) -- a comment\n")

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(client, (seconds[start::clients] for start in range(clients))))

    def bench(self, folder, script, protocol, clients, transactions):
        """Run a script of pgbench's; its values are parameters of the statements."""
        path = folder / f"{protocol}.sql"
        path.write_text(script)
        dsn = postgres.dsn(self.layout, odoo.DATABASE)
        subprocess.run(
            [
                postgres.provide() / "pgbench",
                "--no-vacuum",
                "--protocol",
                protocol,
                "--file",
                path,
                "--client",
                str(clients),
                "--transactions",
                str(transactions),
                "--host",
                dsn["host"],
                "--port",
                str(dsn["port"]),
                "--username",
                dsn["user"],
                dsn["dbname"],
            ],
            env={**os.environ, "PGPASSWORD": dsn["password"]},
            capture_output=True,
            check=True,
        )

    def flush(self):
        """Wait until the log holds all that was done so far: the process that writes it takes lines in their order."""
        mark = uuid.uuid4().hex
        self.execute(f"DO $$BEGIN RAISE LOG '{mark}'; END$$")
        until(lambda: any(mark in path.read_text() for path in self.logs.glob("*.json")), "the log is written")

    def counted(self):
        """The slow statements by database, as the exporter says now."""
        return {
            sample.labels["database"]: int(sample.value)
            for sample in served(self.url("slow_queries"))
            if sample.name == "postgresql_slow_queries_total"
        }

    def stop(self):
        self.processes.stop_all()
        postgres.remove(self.layout)


class Difference:
    """What was counted since this was made."""

    def __init__(self, server):
        server.flush()
        self._server, self._before = server, server.counted()

    def __call__(self):
        """What was counted of all that was done."""
        self._server.flush()
        return self.now()

    def now(self):
        """What was counted of what is in the log."""
        after = self._server.counted()
        return {
            database: after[database] - count for database, count in self._before.items() if after[database] != count
        }
