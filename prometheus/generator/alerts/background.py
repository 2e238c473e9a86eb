"""Alerts about Odoo's work in the background: scheduled actions, queue jobs (queue_job), the mail queue."""

from ..rules import Alert
from .parts import DATABASE, DURATION, ONE, WHOLE

_CRON = "max by (database, cron)"
_RUNS = "sum by (database, channel, job_function) (increase(odoo_queue_job_runs_total{outcome=~%s}[1h]))"
_FAILED, _ENDED = _RUNS % '"failed"', _RUNS % '"done|failed"'

ALERTS = (
    Alert(
        name="OdooCronOverdue",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        # Odoo looks for due jobs about once a minute, so a job with an interval of a minute is late now and then
        expr=f"{_CRON} (odoo_cron_overdue_seconds) / {_CRON} (odoo_cron_interval_seconds) > <above_intervals> "
        f"and {_CRON} (odoo_cron_overdue_seconds) > <above_seconds>",
        summary="Scheduled action overdue",
        description=f"The scheduled action {{{{ $labels.cron }}}} of the database {DATABASE} is overdue by {ONE} "
        "times its interval; the threshold is <above_intervals>. It does not start, or a run takes "
        "longer than the interval.",
        dashboard="odoo-jobs",
    ),
    Alert(
        name="OdooCronDeactivated",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr=f"{_CRON} (odoo_cron_deactivated) > <above>",
        summary="Scheduled action deactivated after failures",
        description=f"Odoo has deactivated the scheduled action {{{{ $labels.cron }}}} of the database {DATABASE} "
        f"after repeated failures (odoo_cron_deactivated is {WHOLE}). It does not run until someone "
        "activates it again.",
        dashboard="odoo-jobs",
    ),
    Alert(
        name="OdooQueueJobsBehind",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="max by (database, channel) (odoo_queue_job_oldest_pending_age_seconds) > <above_seconds>",
        summary="Queue job pending for more than <above_seconds>",
        description=f"The oldest pending queue job of the channel {{{{ $labels.channel }}}} of the database {DATABASE}"
        f" has been waiting for {DURATION}; the threshold is <above_seconds>.",
        dashboard="odoo-jobs",
    ),
    # by function: jobs of other functions that succeed must not hide a function whose jobs fail
    Alert(
        name="OdooQueueJobsFailing",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr=f"100 * {_FAILED} / {_ENDED} > <above_percent> and {_FAILED} >= <minimum_failures>",
        summary="More than <above_percent>% of the queue jobs of a function fail",
        description=f"{WHOLE}% of the queue jobs of {{{{ $labels.job_function }}}} in the channel "
        f"{{{{ $labels.channel }}}} "
        f"of the database {DATABASE} failed in the last hour; the threshold is <above_percent>%.",
        dashboard="odoo-jobs",
    ),
    # a queue without jobs needs no jobrunner
    Alert(
        name="OdooJobRunnerDown",
        severity="critical",
        team="platform",
        subject="odoo",
        tile="errors",
        expr='sum by (database) (max by (database, channel, state) (odoo_queue_jobs{state=~"pending|enqueued"})) > 0 '
        "and on (database) max by (database) (odoo_queue_job_runners) == 0",
        summary="No jobrunner for queue jobs",
        description=f"No jobrunner is connected to the database {DATABASE}; {WHOLE} queue jobs are waiting.",
        dashboard="odoo-jobs",
    ),
    Alert(
        name="OdooMailQueueStuck",
        severity="warning",
        team="platform",
        subject="odoo",
        tile="errors",
        expr="max by (database) (odoo_mail_queue_oldest_age_seconds) > <above_seconds>",
        summary="Oldest queued e-mail waiting for more than <above_seconds>",
        description=f"The oldest e-mail in the queue of the database {DATABASE} has been waiting for {DURATION};"
        " the threshold is <above_seconds>.",
        dashboard="odoo-jobs",
    ),
)
