"""Jobs of OCA's queue_job: how their runs end, counted once that is committed, and the attempts that they make.

It is looked for only once it is loaded: to import it would start its jobrunner. A run that fails is counted here, and
not as an unhandled error too. The attempts of a job that is run again are those of its first run.
"""

import contextlib
import functools
import logging
import sys
from time import perf_counter

from odoo import SUPERUSER_ID

from ..metrics import attempts
from ..metrics.catalogue import QUEUE_JOB_DURATION, QUEUE_JOB_RUNS
from . import crons, errors, patch
from .guard import guarded
from .patch import Patch

_ADDON = "odoo.addons.queue_job"
_RUNNER_LOGGER = logging.getLogger(f"{_ADDON}.jobrunner.runner")
_FAILED_STATUS = 500
_OUTCOMES = ("done", "failed", "retried")
_STATE = "telemetry.queue.job"


class _Run:
    """A run of a job.

    outcome: the last one that was set; one that was rolled back is replaced by the next.
    """

    def __init__(self, job, counted):
        self.begun, self.outcome = perf_counter(), None
        self.scope = attempts.Scope(counted)
        self.database = job.env.cr.dbname
        self.channel, self.function = job.channel, job.job_function_name
        is_cron = (job.recordset._name, job.method_name) == ("ir.cron", "_run_job_as_queue_job")
        self.cron = job.recordset.sudo().cron_name if is_cron else None
        self.cron_id = is_cron and job.recordset.id

    def running(self):
        """Return a context in which the job counts as running."""
        return crons.running(self.database, self.cron) if self.cron else contextlib.nullcontext()

    def count(self, outcome, seconds):
        """Count it, once, if it ended in ``outcome`` after ``seconds``."""
        if self.outcome != outcome:
            return
        self.outcome = "counted"
        QUEUE_JOB_RUNS.inc(database=self.database, channel=self.channel, job_function=self.function, outcome=outcome)
        QUEUE_JOB_DURATION.observe(seconds, database=self.database, job_function=self.function)
        if self.cron and outcome != "retried":
            crons.count_run(self.database, self.cron, seconds)
            if outcome == "failed":
                crons.count_failure(self.database, self.cron)


def _measured(perform):
    @functools.wraps(perform)
    def measured_perform(self):
        run = _begin(self)
        if run is None:
            return perform(self)
        with attempts.scope(run.scope), run.running():
            return perform(self)

    return measured_perform


@guarded
def _begin(job):
    vars(job).pop("telemetry_run", None)
    if _STATE not in job.env:
        # of a database that is not measured
        return None
    run = job.telemetry_run = _Run(job, job.env[_STATE]._counted_attempts(job.uuid) if job.retry else ())
    for outcome in _OUTCOMES:
        QUEUE_JOB_RUNS.start(database=run.database, channel=run.channel, job_function=run.function, outcome=outcome)
    return run


def _ending(outcome):
    """Return a wrapper for the method of a job that sets this outcome, on the cursor that commits it."""

    def wrap(method):
        @functools.wraps(method)
        def ended(self, *arguments, **keywords):
            ended_so = method(self, *arguments, **keywords)
            _end(self, outcome)
            return ended_so

        return ended

    return wrap


@guarded
def _end(job, outcome):
    run = vars(job).get("telemetry_run")
    if run is None:
        # a person has set the state
        return
    seconds, run.outcome, cr = perf_counter() - run.begun, outcome, job.env.cr
    if outcome == "failed" and (exception := sys.exc_info()[1]):
        errors.note_counted(exception)
    state = job.env[_STATE]
    if outcome == "retried":
        state._keep_attempts(job.uuid, run.scope.counted())
    elif job.retry > 1:
        state._forget_attempts(job.uuid)
    cr.postcommit.add(functools.partial(guarded(run.count), outcome, seconds))
    if run.cron and outcome == "done":
        cr.postcommit.add(functools.partial(guarded(_note_success), job.env, run.cron_id))


def _note_success(env, cron_id):
    # in a transaction of its own: a conflict in the job's transaction would have the job run again
    with env.registry.cursor() as cr:
        env(cr=cr, user=SUPERUSER_ID, context={})["telemetry.cron"]._note_success(cron_id)


def has_runner():
    """Return whether this server is to have a process that is a jobrunner: it has workers, and queue_job runs there."""
    server, jobrunner = map(sys.modules.get, ("odoo.service.server", f"{_ADDON}.jobrunner"))
    # only a server that was created after queue_job was loaded has the attribute
    return hasattr(getattr(server, "server", None), "jobrunner") and bool(guarded(jobrunner._is_runner_enabled)())


def lock_id():
    """Return the number (int) of the advisory lock that a jobrunner holds in a database; None if it holds none."""
    return getattr(sys.modules.get(f"{_ADDON}.jobrunner.runner"), "PG_ADVISORY_LOCK_ID", None)


def _mark_as_counted(record):
    """Mark the error of a failed job as counted: the jobrunner logs it as a failed request, too."""
    exception = record.exc_info and record.exc_info[1]
    if getattr(getattr(exception, "response", None), "status_code", None) == _FAILED_STATUS:
        errors.note_counted(exception)
    return True


_PATCHES = (
    Patch(f"{_ADDON}.job:Job.perform", _measured),
    Patch(f"{_ADDON}.job:Job.set_done", _ending("done")),
    Patch(f"{_ADDON}.job:Job.set_failed", _ending("failed")),
    Patch(f"{_ADDON}.job:Job.postpone", _ending("retried")),
)


def install():
    """Measure jobs, if queue_job is loaded; to be called again when it may have been loaded since."""
    if f"{_ADDON}.job" in sys.modules:
        patch.install(_PATCHES)
        _RUNNER_LOGGER.addFilter(_mark_as_counted)


def uninstall():
    """Stop measuring jobs."""
    _RUNNER_LOGGER.removeFilter(_mark_as_counted)
    for one in _PATCHES:
        one.uninstall()
