"""Alerts about what watches: Prometheus, Alertmanager and what they scrape."""

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
        description="This alert always fires (its value is {{ $value }}): if it stops, alerts do not arrive any more.",
    ),
    Alert(
        name="ScrapeSlow",
        severity="warning",
        team="platform",
        subject="monitoring",
        tile="telemetry",
        expr="max by (job, instance) (avg_over_time(scrape_duration_seconds[10m])) > <above_seconds>",
        summary="Scrape duration above <above_seconds> s",
        description=f"{INSTANCE} took {DURATION} on average to answer job {{{{ $labels.job }}}}; the threshold "
        "is <above_seconds> s.",
        dashboard="telemetry",
        keep_firing_for="10m",
    ),
    Alert(
        name="RuleEvaluationFailing",
        severity="critical",
        team="platform",
        subject="monitoring",
        expr="sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[5m])) > <above>",
        summary="Rule evaluations fail",
        description=f"{WHOLE} evaluations of {{{{ $labels.rule_group }}}} failed in the last 5 minutes: its "
        "alerts are blind.",
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
        description=f"Prometheus can't hand alerts over to Alertmanager ({WHOLE}).",
        dashboard="telemetry",
    ),
    Alert(
        name="NotificationsFailing",
        severity="critical",
        team="platform",
        subject="monitoring",
        expr="sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > <above>",
        summary="Alertmanager can't deliver notifications",
        description=f"{WHOLE} notifications by {{{{ $labels.integration }}}} failed in the last 5 minutes.",
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
        summary="Scrape target does not answer",
        description=f"{INSTANCE} does not answer for job {{{{ $labels.job }}}} (up is {WHOLE}): what it "
        "measures is not seen.",
        dashboard="telemetry",
    ),
    Alert(
        name="LongTermStorageBehind",
        severity="warning",
        team="platform",
        subject="monitoring",
        expr="prometheus_remote_storage_samples_pending > <above>",
        summary="Remote write lags behind",
        description=f"{WHOLE} samples wait to be sent to {{{{ $labels.remote_name }}}}, and have waited all "
        "the time; each round of rules should be sent within seconds.",
        dashboard="telemetry",
        keep_firing_for="10m",
    ),
)
