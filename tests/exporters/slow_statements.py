"""A PostgreSQL that is given statements of known duration, and the exporter that counts the slow ones."""

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2

from stack import exporters, odoo, postgres, system
from stack.layout import Layout
from stack.ports import Ports
from stack.processes import Processes
from tests.end_to_end.waiting import until
from tests.exporters.served import served

ELSEWHERE = "elsewhere"
THRESHOLD_MS = 250
SLOW, QUICK = 0.255, 0.01


class Server:
    """A PostgreSQL of its own, whose statements are slow from THRESHOLD_MS on, with the exporter that counts them."""

    def __init__(self, state):
        self.layout = Layout(state, Ports.free())
        self.processes = Processes(self.layout)
        self.url = f"http://127.0.0.1:{self.layout.ports.slow_queries}/metrics"
        self.logs = postgres.logs(self.layout)

    def start(self):
        postgres.create(self.layout)
        [counting] = [program for program in exporters.programs(self.layout) if program.name == "slow_queries"]
        self.processes.configure([postgres.program(self.layout), counting])
        self.start_postgres()
        for database in (odoo.DATABASE, ELSEWHERE):
            postgres.execute(self.layout, f"CREATE DATABASE {database}")
        self.change("log_min_duration_statement", THRESHOLD_MS)
        self.start_exporter()

    def start_postgres(self):
        self.processes.start("postgres")
        self.processes.wait("postgres", lambda: postgres.answers(self.layout))

    def start_exporter(self):
        self.processes.start("slow_queries")
        self.processes.wait("slow_queries", lambda: system.answers(self.url))

    def kill_exporter(self):
        """End the exporter as a crash would; supervisord starts it again."""
        os.kill(self.processes.pid("slow_queries"), signal.SIGKILL)

    def change(self, setting, value):
        """Set a parameter of the server, and wait until who connects finds it."""
        postgres.execute(self.layout, f"ALTER SYSTEM SET {setting} = '{value}'")
        postgres.execute(self.layout, "SELECT pg_reload_conf()")
        wanted = f"SELECT 1 FROM pg_settings WHERE name = '{setting}' AND setting = '{value}'"
        until(lambda: postgres.execute(self.layout, wanted), f"{setting} = {value}")

    def execute(self, statement, database=odoo.DATABASE):
        """Run a statement as psycopg2 does, by the simple protocol."""
        return postgres.execute(self.layout, statement, database=database)

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
            [postgres.provide() / "pgbench", "--no-vacuum", "--protocol", protocol, "--file", path,
             "--client", str(clients), "--transactions", str(transactions), "--host", dsn["host"],
             "--port", str(dsn["port"]), "--username", dsn["user"], dsn["dbname"]],
            env={**os.environ, "PGPASSWORD": dsn["password"]}, capture_output=True, check=True)

    def counted(self):
        """The slow statements by database, as the exporter says now."""
        return {
            sample.labels["database"]: int(sample.value)
            for sample in served(self.url)
            if sample.name == "postgresql_slow_queries_total"
        }

    def stop(self):
        self.processes.stop_all()
        postgres.remove(self.layout)


class Difference:
    """What was counted since this was made."""

    def __init__(self, server):
        self._server, self._before = server, server.counted()

    def __call__(self):
        after = self._server.counted()
        return {database: after[database] - count for database, count in self._before.items()
                if after[database] != count}
