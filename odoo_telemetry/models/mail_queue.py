from odoo import api, models

from ..metrics import store
from ..metrics.catalogue import MAIL_QUEUE_LENGTH, MAIL_QUEUE_OLDEST_AGE

_INDEX = "telemetry_mail_queue"
# Odoo has no index for what waits, and sent e-mails stay
_MAKE_INDEX = f"""
CREATE INDEX IF NOT EXISTS {_INDEX} ON mail_mail (state) INCLUDE (create_date, scheduled_date)
WHERE state IN ('outgoing', 'exception')
"""
_DROP_INDEX = f"DROP INDEX IF EXISTS {_INDEX}"
_STATES = MAIL_QUEUE_LENGTH.labels[0].values
_MOST = 100_000
"""Maximum number of e-mails of a state that are counted."""
_MAILS = " UNION ALL ".join(
    f"(SELECT state, create_date, scheduled_date FROM mail_mail WHERE state = '{state}' LIMIT {_MOST})"
    for state in _STATES
)
_READ = f"""
WITH mails AS ({_MAILS})
SELECT state, count(*),
    max(extract(epoch FROM now() AT TIME ZONE 'UTC' - greatest(create_date, scheduled_date)))::float8
FROM mails GROUP BY state
"""


class MailQueue(models.AbstractModel):
    """The mail queue, where ``mail`` is installed, read by an index of its own."""

    _name = "telemetry.mail.queue"
    _description = "Telemetry's reading of the mail queue"

    @api.model
    def _make_index(self):
        """Make the index where there is a queue; to be called when addons were installed or upgraded; never raises."""
        if "mail.mail" not in self.env:
            return
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(_MAKE_INDEX)
        except Exception as exception:
            store.errors.count(
                "database",
                "the index of the mail queue of %s can't be created, so the queue is not measured: %s",
                self.env.cr.dbname,
                exception,
            )

    @api.model
    def _remove(self):
        """Drop the index: the addon is uninstalled."""
        self.env.cr.execute(_DROP_INDEX)

    @api.model
    def _gauges(self):
        """Yield the samples of the queue; none without a queue, or without the index: all e-mails would be read."""
        if "mail.mail" not in self.env:
            return
        self.env["mail.mail"].flush_model()
        self.env.cr.execute("SELECT to_regclass(%s)", [_INDEX])
        if self.env.cr.fetchone()[0] is None:
            return
        self.env.cr.execute(_READ)
        read = {state: (number, age) for state, number, age in self.env.cr.fetchall()}
        for state in _STATES:
            yield MAIL_QUEUE_LENGTH.sample(read.get(state, (0, 0.0))[0], state=state)
        # what is scheduled for later is not due yet
        yield MAIL_QUEUE_OLDEST_AGE.sample(max(read.get("outgoing", (0, 0.0))[1], 0.0))
