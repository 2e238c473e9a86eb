"""Backups of this system, made by the project's own exporter."""

import os
import sys
from pathlib import Path

import yaml

from stack import private
from stack.layout import ACCOUNT, PASSWORDS, Layout
from stack.services import n8n, odoo, postgres, prometheus
from stack.services.processes import Program

# The first backup of each kind is made when the system starts; the next one after a demo has ended.
EVERY_SECONDS = 900
KEPT = 3


def configure(layout: Layout, with_n8n: bool) -> Path:
    """Write the exporter's configuration, unless it is as it should be, and return its path."""
    plan: dict[str, str | int] = {"every_seconds": EVERY_SECONDS, "keep": KEPT}
    filestore = odoo.files(layout) / "filestore" / odoo.DATABASE
    backups: dict[str, dict[str, str | int]] = {
        "platform": {**plan, "database": odoo.DATABASE, "filestore": str(filestore)},
        "monitoring": {
            **plan,
            "prometheus": f"http://{ACCOUNT}@127.0.0.1:{layout.ports.prometheus}",
            "prometheus_password_file": str(layout.secret_file(PASSWORDS["prometheus"])),
            "data": str(layout.state / "prometheus"),
            "configuration": str(prometheus.FOLDER),
        },
    }
    if with_n8n:
        backups["n8n"] = {**plan, "database": n8n.DATABASE}
    content = {
        "folder": str(layout.state / "backups"),
        "password_file": str(layout.secret_file(postgres.PASSWORDS[postgres.BACKUP])),
        "environment": environment(layout),
        "backups": backups,
    }
    path = layout.state / "backup.yml"
    text = yaml.safe_dump(content, sort_keys=False)
    if private.read(path) != text:
        private.write(path, text)
    return path


def program(layout: Layout) -> Program:
    """Return how the exporter is run."""
    command: list[str | Path] = [
        sys.executable, "-m", "exporters.backup", "--config", layout.state / "backup.yml",
        "serve", "--port", str(layout.ports.backup),
    ]  # fmt: skip
    return Program("backup", command)


def environment(layout: Layout) -> dict[str, str]:
    """Return where the server is, and where the programs are that a backup runs."""
    server = postgres.dsn(layout, odoo.DATABASE, postgres.BACKUP)
    programs = postgres.provide()
    path = [programs, prometheus.executable("promtool").parent, os.environ["PATH"]]
    return {
        **postgres.environment(programs),
        "PATH": ":".join(map(str, path)),
        "PGHOST": server["host"],
        "PGPORT": str(server["port"]),
        "PGUSER": server["user"],
    }
