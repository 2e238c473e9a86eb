"""Alerts about backups."""

from ..rules import Alert
from .parts import DURATION, ONE, WHOLE, age

BACKUPS = ("platform", "n8n", "monitoring")
"""The backups that must have been made."""

ALERTS = (
    Alert(
        name="BackupJobFailed",
        severity="critical",
        team="platform",
        subject="backups",
        tile="backups",
        expr="influencegen:system_backup_job_success_rate:percent_24h < <below_percent>",
        summary="Backup job failed",
        description=f"{ONE}% of the backup jobs of the last 24 hours succeeded; all must succeed. "
        "The first check of the runbook names the failed one.",
        dashboard="slo",
    ),
    # one that never ran exports 0 as its last success, or nothing at all
    Alert(
        name="BackupMissing",
        severity="critical",
        team="platform",
        subject="backups",
        tile="backups",
        expr="time() - max by (backup) (backup_last_success_timestamp_seconds) > "
        "<above_schedules> * max by (backup) (backup_schedule_seconds) or "
        + " or ".join(
            f'time() * absent(backup_last_success_timestamp_seconds{{backup="{backup}"}})' for backup in BACKUPS
        ),
        summary="No recent backup",
        description=age(
            f"The last successful backup of {{{{ $labels.backup }}}} is {DURATION} old; the threshold is "
            "<above_schedules> times the interval of its schedule",
            "There is no successful backup of {{ $labels.backup }}, or the backup exporter is down",
        )
        + ".",
        dashboard="slo",
    ),
    Alert(
        name="BackupAttachmentsUnlisted",
        severity="warning",
        team="platform",
        subject="backups",
        tile="backups",
        expr="max by (backup) (backup_attachments_unlisted) > <above>",
        summary="Attachments in an object store that is not backed up",
        description=f"{WHOLE} attachments of {{{{ $labels.backup }}}} are in an object store that its backup does not "
        "include and that is not listed under `elsewhere` in the backup configuration.",
        dashboard="slo",
    ),
)
