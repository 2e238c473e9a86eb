from odoo import api, models

from ..metrics import store
from ..metrics.catalogue import CRON_DEACTIVATED, CRON_INTERVAL, CRON_LAST_SUCCESS, CRON_OVERDUE

_SCHEMA = """
CREATE TABLE IF NOT EXISTS telemetry_cron (
    cron_id integer PRIMARY KEY REFERENCES ir_cron ON DELETE CASCADE, succeeded_at timestamp, deactivated_at timestamp
)
"""
_SUCCEEDED = """
INSERT INTO telemetry_cron (cron_id, succeeded_at) VALUES (%s, clock_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT (cron_id) DO UPDATE SET succeeded_at = excluded.succeeded_at, deactivated_at = NULL
"""
_DEACTIVATED = """
INSERT INTO telemetry_cron (cron_id, deactivated_at)
SELECT id, clock_timestamp() AT TIME ZONE 'UTC' FROM ir_cron WHERE id = %s AND NOT active
ON CONFLICT (cron_id) DO UPDATE SET deactivated_at = excluded.deactivated_at
"""
_FORGET = "UPDATE telemetry_cron SET deactivated_at = NULL WHERE cron_id = ANY(%s) AND deactivated_at IS NOT NULL"
# for a job that has not run since the installation, Odoo's own last call and failure count are used. The worst values
# come last: names over the label limit share the series `other`, and the last value that is set wins
_READ = """
SELECT * FROM (
    SELECT DISTINCT ON (cron_name) cron_name, active, overdue, interval, NOT active AND deactivated AS deactivated,
        extract(epoch FROM succeeded_at)::float8
    FROM (
        SELECT c.cron_name, c.active, t.deactivated_at IS NOT NULL AS deactivated,
            greatest(extract(epoch FROM now() AT TIME ZONE 'UTC' - c.nextcall), 0)::float8 AS overdue,
            extract(epoch FROM c.interval_number * ('1 ' || c.interval_type)::interval)::float8 AS interval,
            CASE WHEN t.cron_id IS NOT NULL THEN t.succeeded_at
                WHEN c.failure_count = 0 AND to_jsonb(c) ->> 'run_as_queue_job' IS DISTINCT FROM 'true' THEN c.lastcall
            END AS succeeded_at
        FROM ir_cron c LEFT JOIN telemetry_cron t ON t.cron_id = c.id
        WHERE c.cron_name IS NOT NULL
    ) AS crons
    ORDER BY cron_name, NOT active AND deactivated DESC, active DESC, overdue / interval DESC
) AS named
ORDER BY deactivated, active, overdue / interval
"""


class Cron(models.AbstractModel):
    """The last results of scheduled actions, in a table of its own, because Odoo does not store them.

    ``lastcall`` is when a job ended, also when it failed; a job that was deactivated after failures looks like one that
    a person has deactivated.
    """

    _name = "telemetry.cron"
    _description = "Telemetry's state of scheduled actions"

    def init(self):
        super().init()
        self.env.cr.execute(_SCHEMA)

    @api.model
    def _remove(self):
        """Drop the table: the addon is uninstalled."""
        self.env.cr.execute("DROP TABLE IF EXISTS telemetry_cron")

    @api.model
    def _note_success(self, cron_id):
        """Store that a run of a job (id) succeeded just now; never raises."""
        self._execute(_SUCCEEDED, cron_id)

    @api.model
    def _note_failure(self, job):
        """Note whether Odoo has deactivated a job (dict, as it was before) that has failed just now; never raises."""
        if job["active"]:
            self._execute(_DEACTIVATED, job["id"])

    @api.model
    def _forget_deactivation(self, cron_ids):
        """Forget that Odoo has deactivated these jobs: a person deactivates them; never raises."""
        self._execute(_FORGET, list(cron_ids))

    @api.model
    def _execute(self, statement, parameter):
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(statement, [parameter], log_exceptions=False)
        except Exception as exception:
            store.errors.count("database", "the state of a scheduled action can't be stored: %s", exception)

    @api.model
    def _gauges(self):
        """Yield a sample of each scheduled action's gauges."""
        self.env["ir.cron"].flush_model()
        self.env.cr.execute(_READ)
        for cron, active, overdue, interval, deactivated, succeeded_at in self.env.cr.fetchall():
            yield CRON_DEACTIVATED.sample(int(deactivated), cron=cron)
            if active:
                yield CRON_OVERDUE.sample(overdue, cron=cron)
                yield CRON_INTERVAL.sample(interval, cron=cron)
            if succeeded_at is not None:
                yield CRON_LAST_SUCCESS.sample(succeeded_at, cron=cron)
