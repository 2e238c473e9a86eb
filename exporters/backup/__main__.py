"""Backups on a schedule, with their metrics: python -m exporters.backup serve; one of them now: … run <backup>."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from exporters.backup import configuration, job, schedule
from exporters.backup.errors import Failed
from exporters.backup.ledger import Ledger
from exporters.backup.metrics import Backups

# Backups give way to whatever else the machine has to do.
NICENESS = 10
PATIENCE_SECONDS = 300


def main() -> None:
    """Do what the command line asks; the status is 0 if it went well."""
    arguments = _parser().parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # a job that is told to end clears up behind it
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(143))
    os.nice(NICENESS)
    # what is backed up is for the owner's eyes only
    os.umask(0o077)
    try:
        settings = configuration.read(arguments.config)
        os.environ.update(settings.environment)
        settings.folder.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(settings.folder)
        if arguments.verb == "run":
            if arguments.backup not in settings.backups:
                raise configuration.Invalid(f"{arguments.config} has no backup {arguments.backup}.")
            sys.exit(not job.run(settings.backups[arguments.backup], settings.folder, ledger))
        backups = settings.backups.values()
        registry, metrics = CollectorRegistry(), Backups(backups, ledger)
        registry.register(metrics)
        start_http_server(arguments.port, arguments.host, registry)
        # Prometheus does not see the first backup of a counter that was never scraped before
        if not metrics.scraped.wait(PATIENCE_SECONDS):
            logging.warning("Nobody has scraped the metrics in %d s; backups begin", PATIENCE_SECONDS)
        schedule.run(backups, settings.folder, ledger)
    except (configuration.Invalid, job.Busy, Failed, OSError) as error:
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
