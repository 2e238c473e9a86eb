"""Runs of scheduled actions: those of Odoo's scheduler, and those that queue_job_cron runs as jobs of queue_job.

It patches nothing: ``models/ir_cron.py`` and ``queue_job.py`` call it.
"""

import contextlib

from ..metrics.catalogue import CRON_DURATION, CRON_FAILURES, CRON_RUNNING, CRON_RUNS


@contextlib.contextmanager
def running(database, cron):
    """Show the scheduled action ``cron`` (its name) of ``database`` (str) as running during the block."""
    CRON_RUNNING.add(1, database=database, cron=cron)
    try:
        yield
    finally:
        CRON_RUNNING.add(-1, database=database, cron=cron)


def count_run(database, cron, seconds):
    """Count a run that took ``seconds`` (float)."""
    CRON_RUNS.inc(database=database, cron=cron)
    CRON_DURATION.observe(seconds, database=database, cron=cron)


def count_failure(database, cron):
    """Count that a run has failed."""
    CRON_FAILURES.inc(database=database, cron=cron)


def is_enqueued(job):
    """Return whether a run of ``job`` (dict, a row of ``ir_cron``) only puts a job into the queue of queue_job."""
    return bool(job.get("run_as_queue_job"))
