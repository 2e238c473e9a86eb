"""Alerts about monitoring itself: Prometheus, its scrapes and its remote write, and Alertmanager."""

from ..rules import Alert
from .parts import DURATION, INSTANCE, WHOLE

ALERTS = (
    Alert(
        name="DeadMansSwitch",
        severity="none",
        team="platform",
        subject="monitoring",
        expr="vector(1)",
        summary="Alerting pipeline works",
        description="This alert is always firing (its value is {{ $value }}). If its notifications stop, "
        "alerts are not delivered.",
    ),
    Alert(
        name="ScrapeSlow",
        severity="warning",
        team="platform",
        subject="monitoring",
        tile="telemetry",
        expr="max by (job, instance) (avg_over_time(scrape_duration_seconds[10m])) > <above_seconds>",
        summary="Scrape duration above <above_seconds>",
        description=f"Scrapes of {INSTANCE} by the job {{{{ $labels.job }}}} took {DURATION} on average over "
        "the last 10 minutes; the threshold is <above_seconds>.",
        dashboard="telemetry",
        keep_firing_for="10m",
    ),
    Alert(
        name="RuleEvaluationFailing",
        severity="critical",
        team="platform",
        subject="monitoring",
        expr="sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) > <above>",
        summary="Rule evaluations are failing",
        description=f"{WHOLE} evaluations of the rule group {{{{ $labels.rule_group }}}} failed in the last 5 "
        "minutes: its alerts may not fire.",
        dashboard="telemetry",
        keep_firing_for="15m",
    ),
    Alert(
        name="AlertmanagerUnreachable",
        severity="critical",
        team="platform",
        subject="monitoring",
        expr="sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m])) > 0 "
        "or max by (instance) (prometheus_notifications_alertmanagers_discovered) == 0",
        summary="Prometheus can't reach Alertmanager",
        description=f"{{{{ if $value }}}}Prometheus failed to send {WHOLE} alerts to Alertmanager in the last 5 minutes"
        "{{ else }}Prometheus has no Alertmanager: none is configured, or none was discovered{{ end }}. "
        "Notifications are late or lost.",
        dashboard="telemetry",
    ),
    Alert(
        name="NotificationsFailing",
        severity="critical",
        team="platform",
        subject="monitoring",
        expr="sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > <above>",
        summary="Notifications are not delivered",
        description=f"{WHOLE} notifications by {{{{ $labels.integration }}}} failed in the last 5 minutes: on-call "
        "may not get them.",
        dashboard="telemetry",
        keep_firing_for="10m",
    ),
    # a host has an alert of its own
    Alert(
        name="TargetMissing",
        severity="critical",
        team="platform",
        subject="monitoring",
        tile="telemetry",
        expr='up{job!="node"} == 0',
        summary="Scrape target is down",
        description=f"{INSTANCE} does not answer scrapes by the job {{{{ $labels.job }}}} (up is {WHOLE}). Its "
        "metrics are missing, and alerts on them can't fire.",
        dashboard="telemetry",
    ),
    Alert(
        name="LongTermStorageBehind",
        severity="warning",
        team="platform",
        subject="monitoring",
        expr="prometheus_remote_storage_samples_pending > <above>",
        summary="Remote write lags behind",
        description=f"{WHOLE} samples are pending for the remote write to {{{{ $labels.remote_name }}}}; they "
        "should be sent within seconds.",
        dashboard="telemetry",
        keep_firing_for="10m",
    ),
)
