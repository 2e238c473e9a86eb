"""The exporters: the host, its processes, PostgreSQL, its slow queries, and probes of the services."""

import sys

from stack.layout import Layout
from stack.provide import debian
from stack.services import n8n, odoo, postgres
from stack.services.processes import Program
from stack.services.prometheus import FOLDER, only_with_password

# Their programs, each with the name of its port.
PORTS = {
    "node_exporter": "node",
    "process_exporter": "process",
    "postgres_exporter": "postgres_exporter",
    "slow_queries": "slow_queries",
    "blackbox_exporter": "blackbox",
}
PACKAGES = tuple(f"prometheus-{name}-exporter" for name in ("node", "process", "postgres", "blackbox"))


def programs(layout: Layout) -> list[Program]:
    """Return how they are run."""
    node, process, server, blackbox = (debian.program(package, *PACKAGES) for package in PACKAGES)
    ports = layout.ports

    def listening(name: str) -> list[str]:
        return [f"--web.listen-address=127.0.0.1:{getattr(ports, name)}", only_with_password(layout, name)]

    return [
        # without what a host has only under systemd, and what other programs leave in files
        Program(
            "node_exporter",
            [node, "--no-collector.systemd", "--no-collector.textfile", *listening("node")],
        ),
        Program(
            "process_exporter",
            # re-check processes: some change their name or command line after their start
            [process, "-config.path", FOLDER / "process_exporter.yml", "-recheck", "-gather-smaps=false",
             "-threads=false", *listening("process")],
        ),
        Program(
            "postgres_exporter",
            # from PostgreSQL 17 on, checkpoint statistics are in a separate view
            [server, "--collector.stat_checkpointer", *listening("postgres_exporter")],
            {
                # not Odoo's database: an open connection would prevent copying it
                "DATA_SOURCE_URI": f"127.0.0.1:{ports.pg}/postgres?sslmode=disable",
                "DATA_SOURCE_USER": postgres.MONITOR,
                "DATA_SOURCE_PASS": layout.secret(postgres.PASSWORDS[postgres.MONITOR]),
            },
        ),
        Program(
            "slow_queries",
            [sys.executable, "-m", "exporters.slow_queries", "--logs", postgres.logs(layout),
             "--state", layout.state / "slow_queries.json", "--port", str(ports.slow_queries),
             "--database", odoo.DATABASE, "--database", n8n.DATABASE],
        ),
        Program("blackbox_exporter", [blackbox, f"--config.file={FOLDER / 'blackbox.yml'}", *listening("blackbox")]),
    ]  # fmt: skip
