"""N8N AI Integration Performance: latency and errors of the calls between Odoo, n8n and the AI service."""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.stat import Panel as StatPanel

from .. import hosts, variables
from ..frame import Page
from ..palette import GREY
from ..panels import NONE, firing, stat, time_series
from ..queries import FAST, Query, quantile
from . import SERVICES

_NO_HOST = "No data from the hosts of n8n: check node_exporter and process-exporter."
_NO_N8N = "No data from n8n: see Telemetry Self-Health, Targets down."
_WORKFLOW_ERRORS = 'influencegen:n8n_workflow_execution_error_rate:rate_5m{workflow_name=~"$workflow"}'


def _success(title: str, slo: str, spec: str, runbook: str) -> StatPanel:
    return stat(
        title,
        Query(f'100 * (1 - influencegen:slo_errors:ratio_1h{{slo="{slo}"}})', interval="60s"),
        "percent",
        width=8,
        spec=spec,
        alerts=(runbook,),
        decimals=2,
        links={"Objectives": "slo"},
        description="Share of the calls of the last hour that succeeded. If below the threshold, see Failed calls per "
        "minute by reason.",
        no_value="No calls in the last hour.",
    )


def _latency(
    title: str, api: str, spec: str, description: str, alert: str, links: Mapping[str, str] | None = None
) -> timeseries.Panel:
    latency = f"influencegen:api_{api}_latency_seconds"
    return time_series(
        title,
        [
            Query(f"{latency}:p95_5m", "p95"),
            Query(f"{latency}:avg_5m", "mean"),
            Query(quantile(0.5, f"api_{api}_latency_seconds", window="5m"), "p50", FAST, exemplars=True),
        ],
        "s",
        spec=spec,
        description=f"{description} Over 5 minutes. Each diamond is a single call and links to its trace.",
        no_value="No calls in the selected time range.",
        alerts=(alert,),
        links=links or {},
    )


_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="integration"',
        width=8,
        description="Firing alerts of team integration: n8n, Redis, the AI and KYC services, calls, AI images and "
        "GPUs. Each has a runbook.",
    ),
    stat(
        "Services down",
        Query('count(probe_success{service_name!="odoo"} == 0) or 0 * max(probe_success)'),
        "none",
        width=8,
        spec="system.availability.percentage",
        description="Services whose health check fails: n8n, the AI service and the KYC service.",
        no_value="No probes: check the blackbox_exporter targets.",
        alerts=("N8nDown", "AiServiceDown"),
        mappings=NONE,
    ),
    _success("Webhook success rate (1 h)", "webhook", "api.odoo_to_n8n_webhook.error_rate", "WebhookUnavailable"),
    _success("AI service success rate (1 h)", "aiservice", "api.n8n_to_aiservice.error_rate", "AiServiceUnavailable"),
    _success("Callback success rate (1 h)", "callback", "api.n8n_to_odoo_callback.error_rate", "CallbackUnavailable"),
    stat(
        "Queued executions",
        Query("influencegen:n8n_workflow_execution_queue_length:max"),
        "none",
        width=8,
        spec="n8n.workflow.execution_queue.length",
        description="Executions that no n8n worker has started. If they rise, add workers, or check whether the "
        "running executions are stuck.",
        no_value=_NO_N8N,
        alerts=("N8nQueueLong",),
        mappings=NONE,
    ),
)

_CALLS = (
    _latency(
        "Webhook latency",
        "odoo_to_n8n_webhook",
        "api.odoo_to_n8n_webhook.latency_seconds (p95)",
        "From Odoo to n8n's webhook, which only queues the request. If it rises, n8n or its database is saturated.",
        alert="WebhookSlow",
    ),
    _latency(
        "AI service latency",
        "n8n_to_aiservice",
        "api.n8n_to_aiservice.latency_seconds (p95)",
        "From n8n to the AI service. The threshold applies to the mean. If it rises with GPU utilization, "
        "more images are requested than the GPUs can generate.",
        alert="AiServiceSlow",
        links={"GPU and images": "ai-image-generation-service-kpis"},
    ),
    _latency(
        "Callback latency",
        "n8n_to_odoo_callback",
        "api.n8n_to_odoo_callback.latency_seconds (p95)",
        "From n8n to Odoo's callback, which stores the image. If it rises, check Odoo and PostgreSQL.",
        alert="CallbackSlow",
        links={"Odoo": "odoo-system-health"},
    ),
)

_FAILURES = (
    time_series(
        "Failed calls per minute by reason",
        [
            Query(
                "60 * sum by (status_code_class) (influencegen:api_odoo_to_n8n_webhook_error_rate:rate_5m) > 0",
                "webhook: {{status_code_class}}",
            ),
            Query(
                "60 * sum by (status_code_class) (influencegen:api_n8n_to_aiservice_error_rate:rate_5m) > 0",
                "AI service: {{status_code_class}}",
            ),
            Query(
                "60 * sum by (status_code_class) (influencegen:api_n8n_to_odoo_callback_error_rate:rate_5m) > 0",
                "callback: {{status_code_class}}",
            ),
        ],
        "none",
        width=12,
        spec="api.odoo_to_n8n_webhook.error_rate, api.n8n_to_aiservice.error_rate, api.n8n_to_odoo_callback.error_rate",
        description="Failed attempts by reason, over 5 minutes: an HTTP status, a timeout, no connection, rejected by "
        "an open circuit breaker, or interrupted because the caller ended. The threshold applies to the AI service. "
        "Failed attempts are retried.",
        no_value="No failed calls in the selected time range.",
        alerts=("AiServiceErrorRateHigh",),
        scale=60,
        runbooks=("CircuitBreakerOpen",),
    ),
    time_series(
        "Failed executions per minute ($workflow)",
        [
            Query(
                f"60 * sum by (workflow_name, node_name) ({_WORKFLOW_ERRORS}) > 0",
                "{{workflow_name}}: {{node_name}}",
            ),
            Query(
                'min(odoo_telemetry_threshold{name="n8n_errors_per_minute"})',
                "limit",
                "60s",
                GREY,
                dashed=True,
            ),
        ],
        "none",
        width=12,
        spec="n8n.workflow.execution.error_rate",
        description="Executions of the selected workflows that ended with an error of the workflow itself, by node, "
        "over 5 minutes. Failed calls of services are not included. The limit applies to each workflow. Open the "
        "execution in n8n's editor to see its input.",
        no_value="No failed executions in the selected time range.",
        runbooks=("N8nWorkflowErrors",),
    ),
)

_LOAD = (
    time_series(
        "Executions",
        [
            Query("max(n8n_workflow_active_executions)", "running", FAST),
            Query("influencegen:n8n_workflow_execution_queue_length:max", "queued"),
            Query('sum(up{job="n8n-worker"})', "workers", "30s"),
        ],
        "none",
        spec="n8n.workflow.active_executions, n8n.workflow.execution_queue.length",
        description="Running and queued executions, and in queue mode the workers that answer. If some are queued "
        "while the running ones are at n8n's limit, add workers.",
        no_value=_NO_N8N,
        runbooks=("N8nQueueLong", "N8nWorkersMissing", "RedisDown"),
    ),
    hosts.cpu(
        "n8n",
        "n8n",
        no_value=_NO_HOST,
        spec="system.cpu.utilization (N8N host)",
        description="CPU of the hosts that run n8n (5 m), and n8n's share.",
    ),
    hosts.memory(
        "n8n",
        "n8n",
        no_value=_NO_HOST,
        spec="system.memory.utilization (N8N host)",
        description="Memory of the hosts that run n8n, and n8n's share. n8n holds the data of running executions in "
        "memory: if it is high, lower n8n's concurrency.",
    ),
    time_series(
        "Execution time (p95)",
        [Query(quantile(0.95, "n8n_workflow_execution_duration_seconds", by="le, mode"), "{{mode}}", "30s")],
        "s",
        width=12,
        description="p95 by execution mode: webhook, trigger (schedule), integrated (sub-workflow), error. If webhook "
        "executions are slow but the calls above are fast, n8n or its database is slow.",
        no_value="No executions completed in the selected time range.",
        runbooks=("WebhookSlow",),
    ),
    time_series(
        "Event loop lag (p99)",
        [Query("max by (instance) (n8n_nodejs_eventloop_lag_p99_seconds)", "{{instance}}", "30s")],
        "s",
        width=12,
        description="Delay of the Node.js event loop of each n8n process. Above 100 ms the process is saturated: use "
        "queue mode, or add workers.",
        no_value=_NO_N8N,
        runbooks=("WebhookSlow",),
    ),
)

PAGE = Page(
    uid="n8n-ai-integration-performance",
    title="N8N AI Integration Performance",
    audience="Platform Administrators, Operations Team, N8N Developers",
    summary="Latency and errors of the calls between Odoo, n8n and the AI service, and saturation of n8n.",
    refresh="30s",
    time_range="3h",
    team="integration",
    services=SERVICES,
    variables=(variables.workflow,),
    rows={
        "Overview": _OVERVIEW,
        "Latency": _CALLS,
        "Errors": _FAILURES,
        "Saturation": _LOAD,
    },
)
