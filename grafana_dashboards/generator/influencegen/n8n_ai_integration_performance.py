"""N8N AI Integration Performance: do calls between Odoo, n8n and the AI service succeed, and how fast are they?"""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.builders.stat import Panel as StatPanel

from .. import hosts, variables
from ..frame import Page
from ..palette import CRITICAL, GREY
from ..panels import NONE, firing, stat, time_series
from ..queries import FAST, Query, quantile
from . import SERVICES

_NO_HOST = "No host of n8n is scraped: look at node_exporter and process-exporter."
_WORKFLOW_ERRORS = 'influencegen:n8n_workflow_execution_error_rate:rate_5m{workflow_name=~"$workflow"}'


def _success(title: str, slo: str, spec: str, runbook: str) -> StatPanel:
    return stat(
        title,
        Query(f'100 * (1 - influencegen:slo_errors:ratio_1h{{slo="{slo}"}})', interval="60s"),
        "percent",
        spec=spec,
        objective=slo,
        runbooks=(runbook,),
        decimals=2,
        links={"Objectives": "slo"},
        description="Share of the calls of the last hour that succeeded; the colour compares it with the objective "
        "over 30 days. Below it: see Failed calls by reason.",
        no_value="No call was made in the last hour.",
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
            Query(quantile(0.5, f"api_{api}_latency_seconds"), "p50", FAST, exemplars=True),
        ],
        "s",
        spec=spec,
        description=f"{description} Each diamond is a single call and links to its trace.",
        no_value="No call ended in this time.",
        alerts=(alert,),
        links=links or {},
    )


_OVERVIEW = (
    firing(
        "Firing alerts",
        'severity=~"warning|critical", team="integration"',
        spec="not in it; the notifications of on-call",
        description="Firing alerts about n8n, the AI service and the calls between them. Each has a runbook.",
    ),
    stat(
        "Services down",
        Query('count(probe_success{service_name!="odoo"} == 0) or 0 * max(probe_success)'),
        "none",
        spec="system.availability.percentage, of n8n, the AI service and the KYC service",
        description="Services whose health check fails. Images are pending until all are back.",
        no_value="No probe was made: look at the targets of blackbox_exporter.",
        alerts=("N8nDown", "AiServiceDown"),
        mappings=NONE,
    ),
    _success("Webhook success", "webhook", "api.odoo_to_n8n_webhook.error_rate", "WebhookUnavailable"),
    _success("AI service success", "aiservice", "api.n8n_to_aiservice.error_rate", "AiServiceUnavailable"),
    _success("Callback success", "callback", "api.n8n_to_odoo_callback.error_rate", "CallbackUnavailable"),
    stat(
        "Waiting executions",
        Query("influencegen:n8n_workflow_execution_queue_length:max"),
        "none",
        spec="n8n.workflow.execution_queue.length",
        description="Executions that no worker of n8n has begun. If they rise: start more workers, or find what holds "
        "up the running ones.",
        no_value="n8n is not scraped: see the dashboard Telemetry Self-Health.",
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
        "From n8n to the AI service. The threshold is for the mean. If it rises with the GPU's utilization, "
        "more images are requested than it can make.",
        alert="AiServiceSlow",
        links={"GPU and images": "ai-image-generation-service-kpis"},
    ),
    _latency(
        "Callback latency",
        "n8n_to_odoo_callback",
        "api.n8n_to_odoo_callback.latency_seconds (p95)",
        "From n8n to Odoo's callback, which stores the image. If it rises, look at Odoo and PostgreSQL.",
        alert="CallbackSlow",
        links={"Odoo": "odoo-system-health"},
    ),
)

_FAILURES = (
    time_series(
        "Failed calls by reason",
        [
            Query(
                "sum by (status_code_class) (influencegen:api_odoo_to_n8n_webhook_error_rate:rate_5m) > 0",
                "webhook: {{status_code_class}}",
            ),
            Query(
                "sum by (status_code_class) (influencegen:api_n8n_to_aiservice_error_rate:rate_5m) > 0",
                "AI service: {{status_code_class}}",
            ),
            Query(
                "sum by (status_code_class) (influencegen:api_n8n_to_odoo_callback_error_rate:rate_5m) > 0",
                "callback: {{status_code_class}}",
            ),
        ],
        "cps",
        width=12,
        spec="api.odoo_to_n8n_webhook.error_rate, api.n8n_to_aiservice.error_rate, api.n8n_to_odoo_callback.error_rate",
        description="Failed attempts per second, by reason: an HTTP status, a timeout, no connection, or not made "
        "because the circuit breaker is open. The threshold is that of the AI service. A failed attempt is retried.",
        no_value="No call has failed in this time.",
        alerts=("AiServiceErrorRateHigh",),
        runbooks=("CircuitBreakerOpen",),
    ),
    time_series(
        "Failed executions per minute",
        [
            Query(
                f"60 * sum by (workflow_name, node_name) ({_WORKFLOW_ERRORS}) > 0",
                "{{workflow_name}}: {{node_name}}",
                colour=CRITICAL,
            ),
            Query(
                'min(odoo_telemetry_threshold{name="n8n_errors_per_minute"})',
                "limit of a workflow",
                "60s",
                GREY,
                dashed=True,
            ),
        ],
        "none",
        width=12,
        spec="n8n.workflow.execution.error_rate",
        description="Executions that ended with an error of the workflow itself, by node. A failed call of a service "
        "is not one. Open the execution in n8n's editor to see its input.",
        no_value="No execution has failed in this time.",
        runbooks=("N8nWorkflowErrors",),
    ),
)

_LOAD = (
    time_series(
        "Executions",
        [
            Query("max(n8n_workflow_active_executions)", "running", FAST),
            Query("influencegen:n8n_workflow_execution_queue_length:max", "waiting"),
        ],
        "none",
        spec="n8n.workflow.active_executions, n8n.workflow.execution_queue.length",
        description="Running and waiting executions. If some wait while the running ones are at n8n's limit, start "
        "more workers.",
        no_value="n8n is not scraped: see the dashboard Telemetry Self-Health.",
        runbooks=("N8nQueueLong",),
    ),
    hosts.cpu(
        "n8n",
        "n8n",
        no_value=_NO_HOST,
        spec="system.cpu.utilization (N8N host)",
        description="Of the hosts that n8n runs on, over 5 minutes, and n8n's share of it.",
    ),
    hosts.memory(
        "n8n",
        "n8n",
        no_value=_NO_HOST,
        spec="system.memory.utilization (N8N host)",
        description="Memory used on the hosts that n8n runs on. n8n keeps the data of running executions in memory: "
        "fewer at once need less.",
    ),
)

PAGE = Page(
    uid="n8n-ai-integration-performance",
    title="N8N AI Integration Performance",
    audience="Platform Administrators, Operations Team, N8N Developers",
    summary="Do calls between Odoo, n8n and the AI service succeed, how fast are they, and why do they fail?",
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
