"""Alerts about backups."""

from ..rules import Alert
from .parts import DURATION, ONE

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
        description=f"{ONE}% of the backup jobs of the last 24 hours succeeded; all must.",
        dashboard="slo",
    ),
    # one that never ran tells 0 as its last success, or nothing at all
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
        description=f"The last good backup of {{{{ $labels.backup }}}} is {DURATION} old, more than "
        "<above_schedules> times what it may be; if that is decades, there never was one.",
        dashboard="slo",
    ),
)
