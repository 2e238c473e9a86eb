"""The exporter as an operator runs it: a process, a configuration file, a folder of archives."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from stack.layout import PROJECT
from tests.waiting import until


class Exporter:
    """An exporter of its own in `folder`, with these backups (as in the configuration file) and variables."""

    def __init__(self, folder, backups, environment):
        self.archives = folder / "archives"
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.log = folder / "exporter.log"
        self.path = folder / "backup.yml"
        self.environment = {**environment, "PATH": f"{self.programs}:{environment['PATH']}"}
        self.backups = {name: {"every_seconds": 3600, "keep": 3, **backup} for name, backup in backups.items()}
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.configure()

    def configure(self, **changes):
        """Write the configuration file, with these changes to what each backup is."""
        for backup in self.backups.values():
            backup |= changes
        self.path.write_text(
            yaml.safe_dump({"folder": str(self.archives), "environment": self.environment, "backups": self.backups})
        )

    def replace(self, program, script):
        """Let a script of the shell, in which "$REAL" is the real program, take a program's place."""
        path = self.programs / program
        real = subprocess.run(
            ["which", program], env={**os.environ, **self.environment}, check=True, text=True, capture_output=True
        ).stdout.strip()
        path.write_text(f"#!/bin/sh -e\nREAL={real}\n{script}\n")
        path.chmod(0o755)
        return path

    def run(self, backup):
        """Make a backup now; return whether the status was 0, and what was said."""
        done = subprocess.run(self._command("run", backup), cwd=PROJECT, capture_output=True, text=True, timeout=120)
        return done.returncode == 0, done.stderr

    def complete(self, backup):
        """Return the archives that look complete to an operator, the oldest first."""
        return sorted(self.archives.glob(f"{backup}-*"))

    def leftovers(self):
        """Return the unfinished archives."""
        return list(self.archives.glob(".*"))

    @contextmanager
    def serving(self, path="/metrics"):
        """Run the exporter while the body runs, and yield its process once it answers at that path."""
        with open(self.log, "a") as log:
            process = subprocess.Popen(self._command("serve", "--port", str(self.port)), cwd=PROJECT, stderr=log)
        try:
            until(lambda: process.poll() is not None or self._answers(path), "the exporter answers")
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def text(self, path="/metrics"):
        """Return what Prometheus would scrape."""
        answer = requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10)
        answer.raise_for_status()
        return answer.text

    def value(self, series, backup):
        """Return the value of a series of a backup, or None if it is not there."""
        for family in text_string_to_metric_families(self.text()):
            for sample in family.samples:
                if (sample.name, sample.labels) == (series, {"backup": backup}):
                    return sample.value
        return None

    def jobs(self, backup):
        """Return how many jobs of a backup ended, and how many of them well."""
        return tuple(self.value(f"backup_job_{kind}", backup) for kind in ("total", "success_total"))

    def _command(self, *arguments):
        return [sys.executable, "-m", "exporters.backup", "--config", str(self.path), *arguments]

    def _answers(self, path):
        try:
            self.text(path)
        except requests.RequestException:
            return False
        return True
