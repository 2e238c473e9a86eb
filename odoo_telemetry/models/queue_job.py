import json
from collections import Counter

from odoo import api, models

from ..metrics import store
from ..metrics.catalogue import CHANNEL, QUEUE_JOB_OLDEST_AGE, QUEUE_JOB_RUNNERS, QUEUE_JOBS
from ..metrics.labels import OTHER
from ..odoo_hooks import queue_job

_STATES = QUEUE_JOBS.labels[1].values
_MOST = 100_000
"""Maximum number of jobs of a state that are counted: the queue has no limit, and is read every half minute."""
_JOBS = " UNION ALL ".join(
    f"(SELECT channel, state, date_created, eta FROM queue_job WHERE state = '{state}' LIMIT {_MOST})"
    for state in _STATES
)
_READ = f"""
WITH jobs AS ({_JOBS})
SELECT coalesce(channel, 'root'), state, count(*),
    max(extract(epoch FROM now() AT TIME ZONE 'UTC' - greatest(date_created, eta)))
        FILTER (WHERE state = 'pending')::float8
FROM jobs GROUP BY 1, 2
"""
_CHANNELS = "SELECT complete_name FROM queue_job_channel WHERE complete_name IS NOT NULL ORDER BY id LIMIT 1000"
_RUNNERS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = %s
"""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS telemetry_queue_job (uuid varchar PRIMARY KEY, counted text NOT NULL, kept_at timestamp)
"""
_KEEP = """
INSERT INTO telemetry_queue_job VALUES (%s, %s, now() AT TIME ZONE 'UTC')
ON CONFLICT (uuid) DO UPDATE SET counted = excluded.counted, kept_at = excluded.kept_at
"""
_FORGET_OLD = "DELETE FROM telemetry_queue_job WHERE kept_at < now() AT TIME ZONE 'UTC' - %s * interval '1 day'"
_DAYS_KEPT = 30
"""Retention of jobs in queue_job; jobs that are deleted, or never run again, leave their counted attempts behind."""


class QueueJob(models.AbstractModel):
    """The queue of queue_job, where that is installed, and the attempts of its jobs."""

    _name = "telemetry.queue.job"
    _description = "Telemetry's reading of the job queue"

    def init(self):
        super().init()
        self.env.cr.execute(_SCHEMA)

    @api.model
    def _remove(self):
        """Drop the table: the addon is uninstalled."""
        self.env.cr.execute("DROP TABLE IF EXISTS telemetry_queue_job")

    # ------------------------------------------------------------------ gauges

    @api.model
    def _gauges(self):
        """Yield the samples of the queue; none where there is no queue."""
        if "queue.job" not in self.env:
            return
        self.env["queue.job"].flush_model()
        self.env.cr.execute(_CHANNELS)
        channels = [channel for (channel,) in self.env.cr.fetchall()]
        self.env.cr.execute(_READ)
        rows = self.env.cr.fetchall()
        shown = self._shown([*(channel for channel, *_rest in rows), *channels])
        numbers, ages = Counter(), {}
        for channel, state, number, age in rows:
            numbers[shown[channel], state] += number
            ages[shown[channel]] = max(ages.get(shown[channel], 0.0), age or 0.0)
        for channel in dict.fromkeys(shown.values()):
            yield QUEUE_JOB_OLDEST_AGE.sample(ages.get(channel, 0.0), channel=channel)
            for state in _STATES:
                yield QUEUE_JOBS.sample(numbers[channel, state], channel=channel, state=state)
        yield from self._runners()

    @api.model
    def _shown(self, channels):
        """Return {channel: value of the label}: those over its limit are added up, not put in place of each other."""
        database = self.env.cr.dbname
        store.limits.admit(database, CHANNEL, dict.fromkeys(channels))
        admitted = store.limits.admitted(database, CHANNEL)
        return {channel: channel if channel in admitted else OTHER for channel in channels}

    @api.model
    def _runners(self):
        # queue_job_cron_jobrunner has crons run jobs instead
        if (lock := queue_job.lock_id()) and "queue_job_runner" not in self.env["ir.cron"]._fields:
            self.env.cr.execute(_RUNNERS, [lock])
            yield QUEUE_JOB_RUNNERS.sample(self.env.cr.fetchone()[0])

    # ------------------------------------------------------------------ attempts of jobs that are run again

    @api.model
    def _counted_attempts(self, uuid):
        """Return what :class:`~..metrics.attempts.Scope` takes: the attempts that earlier runs of a job counted."""
        found = []
        with self.env.cr.savepoint(flush=False):
            self.env.cr.execute("SELECT counted FROM telemetry_queue_job WHERE uuid = %s", [uuid])
            found = self.env.cr.fetchall()
        return [(_key(key), number) for (counted,) in found for key, number in json.loads(counted)]

    @api.model
    def _keep_attempts(self, uuid, counted):
        """Keep what a run of a job has counted, as :meth:`~..metrics.attempts.Scope.counted` returns it."""
        if counted:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(_KEEP, [uuid, json.dumps(counted)])

    @api.model
    def _forget_attempts(self, uuid):
        """Forget what runs of a job have counted: it has ended."""
        with self.env.cr.savepoint(flush=False):
            self.env.cr.execute("DELETE FROM telemetry_queue_job WHERE uuid = %s", [uuid])

    @api.autovacuum
    def _gc_attempts(self):
        """Forget the attempts of jobs that were deleted, or never run again."""
        self.env.cr.execute(_FORGET_OLD, [_DAYS_KEPT])


def _key(part):
    """Return the tuple that JSON has turned into a list; anything else as it is."""
    return tuple(map(_key, part)) if isinstance(part, list) else part
