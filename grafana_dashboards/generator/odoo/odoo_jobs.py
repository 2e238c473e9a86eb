"""Odoo Jobs: scheduled actions, the job queue and the mail queue: delays, failures and backlog."""

from .. import fleet, variables
from ..fleet import DATABASE as _DATABASE
from ..frame import Page
from ..panels import NONE, bar_gauge, stat, time_series
from ..queries import BUSINESS, SYSTEM, Query, or_zero
from . import SERVICES

_CRON = "max by (database, cron)"
_CHANNEL = "max by (database, channel)"
_OVERDUE = f"{_CRON} (odoo_cron_overdue_seconds{{{_DATABASE}}}) / {_CRON} (odoo_cron_interval_seconds{{{_DATABASE}}})"
_CRON_TIME = "odoo_cron_duration_seconds"
_SINCE_SUCCESS = (
    f"(time() - {_CRON} (odoo_cron_last_success_timestamp_seconds{{{_DATABASE}}})) / "
    f"{_CRON} (odoo_cron_interval_seconds{{{_DATABASE}}})"
)
_CRON_RUNS = "odoo_cron_runs_total"
_RUNS = "odoo_queue_job_runs_total"
_DURATION = "odoo_queue_job_duration_seconds"
_NOT_SCRAPED = "No data from Odoo: see Telemetry Self-Health, Targets down."
_NO_QUEUE = "No database with queue_job, or no data from Odoo."
_NO_JOB = "No completed queue jobs in the selected time range, or no database with queue_job."
_NO_MAIL = "No database with the addon mail, or no data from Odoo."
_LISTED = 5


def _rate(series: str, matchers: str = "") -> str:
    return fleet.rate(series, "$__rate_interval", matchers)


def _mean(by: str, histogram: str) -> str:
    total, number = (f"sum by ({by}) {_rate(f'{histogram}_{part}')}" for part in ("sum", "count"))
    return f"{total} / ({number} > 0)"


def _ended(outcome: str) -> str:
    return _rate(_RUNS, f'outcome="{outcome}"')


_OVERVIEW = (
    stat(
        "Overdue scheduled actions",
        Query(f"count({_OVERDUE} > 1) or 0 * max(odoo_cron_interval_seconds{{{_DATABASE}}})", interval=SYSTEM),
        "none",
        width=8,
        description="Scheduled actions overdue by more than their interval.",
        no_value=_NOT_SCRAPED,
        runbooks=("OdooCronOverdue",),
        mappings=NONE,
    ),
    stat(
        "Deactivated scheduled actions",
        Query(f"sum({_CRON} (odoo_cron_deactivated{{{_DATABASE}}}))", interval=SYSTEM),
        "none",
        width=8,
        description="Scheduled actions that Odoo has deactivated because they failed repeatedly. They do not run until "
        "somebody activates them.",
        no_value=_NOT_SCRAPED,
        alerts=("OdooCronDeactivated",),
        mappings=NONE,
    ),
    stat(
        "Oldest pending job",
        Query(f"max(odoo_queue_job_oldest_pending_age_seconds{{{_DATABASE}}})", interval=SYSTEM),
        "s",
        width=8,
        description="Age of the oldest pending queue job, since its due time.",
        no_value=_NO_QUEUE,
        alerts=("OdooQueueJobsBehind",),
    ),
    stat(
        "Failed jobs",
        Query(f'sum({_CHANNEL} (odoo_queue_jobs{{{_DATABASE}, state="failed"}}))', interval=SYSTEM),
        "none",
        width=8,
        description="Queue jobs that failed, and that nobody has requeued, cancelled or set to done yet.",
        no_value=_NO_QUEUE,
        runbooks=("OdooQueueJobsFailing",),
        mappings=NONE,
    ),
    stat(
        "Databases without a jobrunner",
        Query(f"count(max by (database) (odoo_queue_job_runners{{{_DATABASE}}}) == 0) or "
              f"0 * max(odoo_queue_job_runners{{{_DATABASE}}})", interval=SYSTEM),
        "none",
        width=8,
        description="Databases with queue_job that no jobrunner is connected to. Their queue jobs do not run.",
        no_value=_NO_QUEUE,
        alerts=("OdooJobRunnerDown",),
        mappings=NONE,
    ),
    stat(
        "Oldest queued e-mail",
        Query(f"max(odoo_mail_queue_oldest_age_seconds{{{_DATABASE}}})", interval=SYSTEM),
        "s",
        width=8,
        description="Age of the oldest e-mail in Odoo's queue, since its due time. Up to an hour is normal: Odoo "
        "empties the queue once an hour.",
        no_value=_NO_MAIL,
        alerts=("OdooMailQueueStuck",),
    ),
)  # fmt: skip

_SCHEDULED = (
    bar_gauge(
        "Scheduled action delay, in intervals",
        [Query(f"topk({_LISTED}, {_OVERDUE})", "{{cron}} ({{database}})", SYSTEM)],
        "none",
        description="Time since each scheduled action was due, as a multiple of its interval: above 1, a run was "
        "missed. One that does not start, or takes longer than its interval, is at the top.",
        no_value=_NOT_SCRAPED,
        decimals=2,
        alerts=("OdooCronOverdue",),
    ),
    bar_gauge(
        "Time since the last success, in intervals",
        [Query(f"topk({_LISTED}, {_SINCE_SUCCESS})", "{{cron}} ({{database}})", SYSTEM)],
        "none",
        description="Time since each scheduled action last completed without a failure, as a multiple of its interval: "
        "about 1 or less on a healthy system. One that fails at each run is at the top.",
        no_value="No scheduled action has succeeded yet, or no data from Odoo.",
        decimals=1,
        runbooks=("OdooJobsFailing", "OdooCronDeactivated"),
    ),
    time_series(
        "Slowest scheduled actions (mean)",
        [
            Query(
                f"topk({_LISTED}, {_mean('cron', _CRON_TIME)})",
                "{{cron}}",
                BUSINESS,
            ),
        ],
        "s",
        width=12,
        description="Mean run time of the five slowest scheduled actions. One near its interval, or near "
        "limit_time_real_cron, is about to be overdue.",
        no_value="No scheduled action has run in the selected time range, or no data from Odoo.",
        runbooks=("OdooCronOverdue",),
    ),
    time_series(
        "Scheduled action runs per minute",
        [
            Query(f"60 * sum {_rate(_CRON_RUNS)}", "runs", BUSINESS),
            Query(
                f"60 * sum by (cron) (rate(odoo_cron_failures_total{{{_DATABASE}}}[$__rate_interval])) > 0",
                "failed: {{cron}}",
                SYSTEM,
            ),
        ],
        "none",
        width=12,
        description="Runs of all scheduled actions, and failed runs of each. Scheduled actions that run through "
        "queue_job are counted when the queue job ends.",
        no_value="No scheduled action has run since Odoo started, or no data from Odoo.",
        runbooks=("OdooJobsFailing",),
    ),
)

_QUEUE = (
    bar_gauge(
        "Oldest pending job by channel",
        [
            Query(
                f"topk({_LISTED}, {_CHANNEL} (odoo_queue_job_oldest_pending_age_seconds{{{_DATABASE}}}))",
                "{{channel}} ({{database}})",
                SYSTEM,
            )
        ],
        "s",
        description="Age of the oldest pending queue job of each channel, since its due time. The channel furthest "
        "behind is at the top.",
        no_value=_NO_QUEUE,
        alerts=("OdooQueueJobsBehind",),
    ),
    time_series(
        "Queue jobs by state",
        [
            Query(
                f"sum by (state) (max by (database, channel, state) (odoo_queue_jobs{{{_DATABASE}}}))",
                "{{state}}",
                SYSTEM,
            )
        ],
        "none",
        width=12,
        description="Queue jobs that are not done, up to 100,000 of each state. Growing \"pending\" means that more "
        "jobs are enqueued than the channels can process.",
        no_value=_NO_QUEUE,
        runbooks=("OdooQueueJobsBehind", "OdooJobRunnerDown"),
    ),
    time_series(
        "Completed queue jobs per minute",
        [
            Query(
                or_zero(
                    f"60 * sum {_ended('done')}",
                    f"odoo_queue_job_runners{{{_DATABASE}}}",
                ),
                "done",
                BUSINESS,
            ),
            Query(
                f"60 * sum {_ended('retried')} > 0", "retried", BUSINESS,
            ),
            Query(
                f"60 * sum by (job_function) {_ended('failed')} > 0",
                "failed: {{job_function}}", BUSINESS,
            ),
        ],
        "none",
        width=12,
        description="Queue jobs that are done, that will be retried, and that failed, by function. The exception is on "
        "the job.",
        no_value=_NO_JOB,
        runbooks=("OdooQueueJobsFailing",),
    ),
    time_series(
        "Slowest job functions (mean)",
        [
            Query(
                f"topk({_LISTED}, {_mean('job_function', _DURATION)})",
                "{{job_function}}", BUSINESS,
            )
        ],
        "s",
        width=12,
        description="Mean run time of the queue jobs of the five slowest functions. A slow one delays the others of "
        "its channel: give it a channel of its own.",
        no_value=_NO_JOB,
        runbooks=("OdooQueueJobsBehind",),
    ),
)  # fmt: skip

_MAIL = (
    time_series(
        "E-mails by state",
        [
            Query(
                f"sum by (state) (max by (database, state) (odoo_mail_queue_length{{{_DATABASE}}}))",
                "{{state}}",
                SYSTEM,
            )
        ],
        "none",
        width=12,
        description="Queued e-mails, and e-mails that failed (state `exception`). Failed e-mails stay until somebody "
        "retries or deletes them.",
        no_value=_NO_MAIL,
        runbooks=("OdooMailQueueStuck",),
    ),
    time_series(
        "Oldest queued e-mail by database",
        [Query(f"max by (database) (odoo_mail_queue_oldest_age_seconds{{{_DATABASE}}}) / 60", "{{database}}", SYSTEM)],
        # with "s", ticks would be at 1.67 mins
        "m",
        width=12,
        description="Age of the oldest queued e-mail, since its due time. Up to an hour is normal: Odoo empties the "
        "queue once an hour.",
        no_value=_NO_MAIL,
        alerts=("OdooMailQueueStuck",),
        scale=1 / 60,
    ),
)

PAGE = Page(
    uid="odoo-jobs",
    title="Odoo Jobs",
    audience="Platform Administrators, Operations Team",
    summary="Scheduled actions, the job queue and the mail queue: delays, failures and backlog.",
    refresh="1m",
    time_range="6h",
    team="platform",
    services=SERVICES,
    variables=(variables.instance, variables.database),
    rows={"Overview": _OVERVIEW, "Scheduled actions": _SCHEDULED, "Job queue": _QUEUE, "Mail queue": _MAIL},
)
