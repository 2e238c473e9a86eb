"""Makes backups on a schedule and serves their metrics (serve), or makes one backup now (run <backup>)."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from exporters.backup import configuration, job, schedule
from exporters.backup.errors import BackupError
from exporters.backup.history import JobHistory
from exporters.backup.metrics import Backups

# Backups give way to whatever else the machine has to do.
NICENESS = 10
SCRAPE_TIMEOUT_SECONDS = 300


def main() -> None:
    """Do what the command line asks; the status is 0 if it succeeded."""
    arguments = _parser().parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # a terminated job cleans up after itself
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
    os.nice(NICENESS)
    # what is backed up is for the owner's eyes only
    os.umask(0o077)
    try:
        settings = configuration.read(arguments.config)
        os.environ.update(settings.environment)
        settings.folder.mkdir(parents=True, exist_ok=True)
        history = JobHistory(settings.folder)
        if arguments.verb == "run":
            if arguments.backup not in settings.backups:
                raise configuration.ConfigurationError(f"{arguments.config} has no backup {arguments.backup}.")
            sys.exit(not job.run(settings.backups[arguments.backup], settings.folder, history))
        backups = settings.backups.values()
        registry, metrics = CollectorRegistry(), Backups(backups, history)
        registry.register(metrics)
        start_http_server(arguments.port, arguments.host, registry)
        # Prometheus misses the first increment of a counter that it has not scraped before
        if not metrics.scraped.wait(SCRAPE_TIMEOUT_SECONDS):
            logging.warning("No scrape in the first %d s; starting backups anyway", SCRAPE_TIMEOUT_SECONDS)
        schedule.run(backups, settings.folder, history)
    except (configuration.ConfigurationError, job.BackupRunningError, BackupError, OSError) as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m exporters.backup", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the configuration file")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="make all backups on their schedules, and serve their metrics")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=9836)
    run = verbs.add_parser("run", help="make one backup now")
    run.add_argument("backup", choices=configuration.KINDS)
    return parser


if __name__ == "__main__":
    main()
