"""Alerts about n8n, the AI image service, the KYC service and the calls to them."""

from ..rules import Alert, Dashboard, Severity, Subject, Tile
from .parts import DURATION, ONE, WHOLE, limit, threshold, unhealthy

_DASHBOARD: Dashboard = "n8n-ai-integration-performance"


def _slow(
    *, name: str, subject: Subject, api: str, what: str, tile: Tile = "", dashboard: Dashboard = _DASHBOARD
) -> Alert:
    """Return the alert that the p95 latency of enough calls is above the target."""
    latency = f"influencegen:api_{api}_latency_seconds"
    return Alert(
        name=name,
        severity="warning",
        team="integration",
        subject=subject,
        tile=tile,
        expr=f"{latency}:p95_5m > <above_seconds> and on () sum({latency}:count_5m) >= <minimum_calls>",
        summary=f"p95 latency of calls to {what} above <above_seconds>",
        description=f"The p95 latency of calls to {what} was {DURATION} over the last 5 minutes; the threshold "
        "is <above_seconds>.",
        dashboard=dashboard,
        keep_firing_for="5m",
    )


def _unavailable(*, name: str, severity: Severity, subject: Subject, slo: str, what: str) -> Alert:
    """Return the alert that too many calls of the last hour failed, and calls still fail.

    It needs a minimum number of calls.
    """
    return Alert(
        name=name,
        severity=severity,
        team="integration",
        subject=subject,
        expr=f'100 * (1 - influencegen:slo_errors:ratio_1h{{slo="{slo}"}}) < <below_percent> '
        f'and influencegen:slo_events:increase_1h{{slo="{slo}"}} >= <minimum_calls> '
        f'and influencegen:slo_errors:ratio_5m{{slo="{slo}"}} > 0',
        summary=f"Availability of {what} below <below_percent>%",
        description=f'{{{{ $value | printf "%.2f" }}}}% of the calls to {what} in the last hour succeeded, and '
        "calls are still failing; the objective is <below_percent>%.",
        dashboard=_DASHBOARD,
        keep_firing_for="5m",
    )


ALERTS = (
    Alert(
        name="N8nDown",
        severity="critical",
        team="integration",
        subject="n8n",
        expr='probe_success{service_name="n8n"} == 0',
        summary="n8n is down",
        description=unhealthy("n8n", "users can't request AI images"),
        dashboard=_DASHBOARD,
    ),
    Alert(
        name="N8nWorkflowErrors",
        severity="warning",
        team="integration",
        subject="n8n",
        expr="60 * sum by (workflow_name) (influencegen:n8n_workflow_execution_error_rate:rate_5m) > on () "
        f"group_left () {threshold('n8n_errors_per_minute')}",
        summary="n8n workflow errors above the configured limit",
        description=f"{ONE} executions of {{{{ $labels.workflow_name }}}} per minute failed over the last 5 "
        f"minutes, more than {limit('n8n_errors_per_minute')}.",
        dashboard=_DASHBOARD,
        keep_firing_for="5m",
    ),
    Alert(
        name="N8nQueueLong",
        severity="warning",
        team="integration",
        subject="n8n",
        expr="influencegen:n8n_workflow_execution_queue_length:max > <above>",
        summary="More than <above> n8n executions queued",
        description=f"{WHOLE} n8n executions are queued; the threshold is <above>.",
        dashboard=_DASHBOARD,
        keep_firing_for="5m",
    ),
    Alert(
        name="N8nWorkersMissing",
        severity="critical",
        team="integration",
        subject="n8n",
        # where workers are scraped, and were there within a day
        expr="max(n8n_scaling_mode_queue_jobs_waiting) and on () "
        '(count(max_over_time(up{job="n8n-worker"}[1d])) unless on () count(up{job="n8n-worker"} == 1))',
        summary="n8n has no worker",
        description=f"No worker of n8n answers, so nothing is executed; {WHOLE} executions are queued.",
        dashboard=_DASHBOARD,
    ),
    Alert(
        name="RedisDown",
        severity="critical",
        team="integration",
        subject="redis",
        expr='redis_up{job="redis"} == 0',
        summary="Redis is down",
        description="Redis, the queue of n8n, does not answer its exporter (redis_up is {{ $value }}). If Redis is "
        "down, n8n executes nothing.",
        dashboard=_DASHBOARD,
    ),
    Alert(
        name="AiServiceDown",
        severity="critical",
        team="integration",
        subject="ai_service",
        expr='probe_success{service_name="aiservice"} == 0',
        summary="AI image service is down",
        description=unhealthy("The AI image service", "AI images do not arrive"),
        dashboard=_DASHBOARD,
    ),
    Alert(
        name="AiServiceErrorRateHigh",
        severity="critical",
        team="integration",
        subject="ai_service",
        expr="sum(influencegen:api_n8n_to_aiservice_error_rate:rate_5m) > <above_per_second>",
        summary="AI image service error rate above <above_per_second>/s",
        description='{{ $value | printf "%.2f" }} calls per second from n8n to the AI image service failed over '
        "the last 5 minutes; the threshold is <above_per_second>/s.",
        dashboard=_DASHBOARD,
    ),
    Alert(
        name="AiServiceSlow",
        severity="warning",
        team="integration",
        subject="ai_service",
        expr="influencegen:api_n8n_to_aiservice_latency_seconds:avg_5m > <above_seconds>",
        summary="Mean latency of the AI image service above <above_seconds>",
        description=f"The mean latency of calls to the AI image service was {DURATION} over the last 5 minutes; "
        "the threshold is <above_seconds>.",
        dashboard=_DASHBOARD,
        keep_firing_for="5m",
    ),
    _unavailable(
        name="AiServiceUnavailable",
        severity="warning",
        subject="ai_service",
        slo="aiservice",
        what="the AI image service",
    ),
    _slow(name="WebhookSlow", subject="webhook", api="odoo_to_n8n_webhook", what="n8n's webhook"),
    _unavailable(
        name="WebhookUnavailable", severity="critical", subject="webhook", slo="webhook", what="n8n's webhook"
    ),
    _slow(name="CallbackSlow", subject="callback", api="n8n_to_odoo_callback", what="Odoo's callback"),
    _unavailable(
        name="CallbackUnavailable", severity="critical", subject="callback", slo="callback", what="Odoo's callback"
    ),
    Alert(
        name="KycServiceDown",
        severity="warning",
        team="integration",
        subject="kyc_service",
        tile="funnel",
        expr='probe_success{service_name="kyc"} == 0',
        summary="KYC service is down",
        description=unhealthy("The KYC service", "verifications go to manual review"),
        dashboard="onboarding-funnel",
    ),
    _slow(
        name="KycServiceSlow",
        subject="kyc_service",
        api="external_kyc_service",
        what="the KYC service",
        tile="funnel",
        dashboard="onboarding-funnel",
    ),
    Alert(
        name="KycServiceErrors",
        severity="warning",
        team="integration",
        subject="kyc_service",
        tile="funnel",
        expr='100 * influencegen:slo_errors:ratio_1h{slo="kyc"} > <above_percent> '
        'and influencegen:slo_events:increase_1h{slo="kyc"} >= <minimum_calls>',
        summary="KYC service error ratio above <above_percent>%",
        description=f"{ONE}% of the calls to the KYC service in the last hour failed; the threshold is "
        f"<above_percent>%.",
        dashboard="onboarding-funnel",
        keep_firing_for="10m",
    ),
    Alert(
        name="CircuitBreakerOpen",
        severity="warning",
        team="integration",
        subject="circuit_breakers",
        expr="max by (dependency) (max_over_time(api_circuit_breaker_state[2m])) == 2",
        summary="Circuit breaker open",
        description="The circuit breaker of {{ $labels.dependency }} is open (state {{ $value }}): calls to it "
        "are rejected without being sent.",
        dashboard=_DASHBOARD,
        keep_firing_for="2m",
    ),
)
