"""N8N AI Integration Performance: do the calls between Odoo, n8n and the AI service come through, and how fast?"""

from . import hosts, variables
from .frame import Page
from .palette import CRITICAL, GREY
from .panels import NONE, figure, firing, series
from .queries import FAST, Query, quantile

_WORKFLOW_ERRORS = 'influencegen:n8n_workflow_execution_error_rate:rate_5m{workflow_name=~"$workflow"}'


def _came_through(title, slo, spec, promised, runbook):
    return figure(
        title,
        Query(f'100 * (1 - influencegen:slo_errors:ratio_1h{{slo="{slo}"}})', every="60s"),
        "percent",
        spec=spec,
        objective=promised,
        runbooks=(runbook,),
        decimals=2,
        more={"Objectives": "slo"},
        says="Of the calls of the last hour, how many succeeded; the colour tells whether that is what is promised "
        "over 30 days. Below: look in the panels below which kind of failure it is.",
        empty="No call was made in the last hour.",
    )


def _latency(title, api, spec, says, **told):
    latency = f"influencegen:api_{api}_latency_seconds"
    return series(
        title,
        [
            Query(f"{latency}:p95_5m", "one call in twenty takes longer"),
            Query(f"{latency}:avg_5m", "average"),
            Query(quantile(0.5, f"api_{api}_latency_seconds"), "half of the calls take longer", FAST, exemplars=True),
        ],
        "s",
        spec=spec,
        says=f"{says} The diamonds are single calls: each leads to its trace.",
        empty="No call came to an end in this time.",
        **told,
    )


_FIRST = (
    firing(
        "Alerts that fire",
        'severity=~"warning|critical", team="integration"',
        spec="not in it; what is wrong, as on-call is told",
        says="How many alerts about n8n, the AI service and the calls between them fire. Each has a runbook.",
    ),
    figure(
        "Services down",
        Query('count(probe_success{service_name!="odoo"} == 0) or 0 * max(probe_success)'),
        "none",
        spec="system.availability.percentage, of n8n, the AI service and the KYC service",
        says="How many of them do not answer the probe of their health. Images wait until all are back, and are "
        "then made.",
        empty="No probe was made: look at the targets of blackbox_exporter.",
        alerts=("N8nDown", "AiServiceDown"),
        words=NONE,
    ),
    _came_through("Webhook calls OK", "webhook", "api.odoo_to_n8n_webhook.error_rate", "webhook", "WebhookUnavailable"),
    _came_through("AI calls OK", "aiservice", "api.n8n_to_aiservice.error_rate", "aiservice", "AiServiceUnavailable"),
    _came_through("Callbacks OK", "callback", "api.n8n_to_odoo_callback.error_rate", "callback", "CallbackUnavailable"),
    figure(
        "Executions that wait",
        Query("influencegen:n8n_workflow_execution_queue_length:max"),
        "none",
        spec="n8n.workflow.execution_queue.length",
        says="Executions that no worker of n8n has begun. If they become more: start more workers, or look what "
        "holds those that run.",
        empty="n8n is not scraped: look at the telemetry dashboard.",
        alerts=("N8nQueueLong",),
        words=NONE,
    ),
)

_CALLS = (
    _latency(
        "How fast does n8n take a request?",
        "odoo_to_n8n_webhook",
        "api.odoo_to_n8n_webhook.latency_seconds (p95)",
        "From Odoo to n8n's webhook. It only hands over, so it is short; if not, n8n or its database is busy.",
        alerts=("WebhookSlow",),
    ),
    _latency(
        "How fast is the AI service?",
        "n8n_to_aiservice",
        "api.n8n_to_aiservice.latency_seconds (p95)",
        "From n8n to the AI service. The limit is for the average. If it rises with the GPU's load, more are "
        "asked for than it can make.",
        alerts=("AiServiceSlow",),
        more={"GPU and images": "ai-image-generation-service-kpis"},
    ),
    _latency(
        "How fast does Odoo take an image?",
        "n8n_to_odoo_callback",
        "api.n8n_to_odoo_callback.latency_seconds (p95)",
        "From n8n to Odoo's callback. It stores the image: if it is slow, look at Odoo and PostgreSQL.",
        alerts=("CallbackSlow",),
        more={"Odoo": "odoo-system-health"},
    ),
)

_FAILURES = (
    series(
        "Which calls fail?",
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
        says="Tries that failed, a second, by why: a status of HTTP, no answer in time, no connection, or not made "
        "because the circuit is open. The limit is that of the AI service. A try that fails is made again, so an "
        "image can still be made.",
        empty="No call has failed in this time.",
        alerts=("AiServiceErrorRateHigh",),
        runbooks=("CircuitBreakerOpen",),
    ),
    series(
        "Which workflow fails?",
        [
            Query(
                f"60 * sum by (workflow_name, node_name) ({_WORKFLOW_ERRORS}) > 0",
                "{{workflow_name}}: {{node_name}}",
                colour=CRITICAL,
            ),
            Query(
                'min(odoo_telemetry_threshold{name="n8n_errors_per_minute"})',
                "allowed of a workflow",
                "60s",
                GREY,
                dashed=True,
            ),
        ],
        "none",
        width=12,
        spec="n8n.workflow.execution.error_rate",
        says="Executions a minute that ended with an error of the workflow itself, by the node where. A failed call of "
        "a service is not one. Open the execution in n8n's editor to see what it was given.",
        empty="No execution has failed in this time.",
        runbooks=("N8nWorkflowErrors",),
    ),
)

_LOAD = (
    series(
        "How much does n8n have in hand?",
        [
            Query("max(n8n_workflow_active_executions)", "running", FAST),
            Query("influencegen:n8n_workflow_execution_queue_length:max", "waiting"),
        ],
        "none",
        spec="n8n.workflow.active_executions, n8n.workflow.execution_queue.length",
        says="Executions that run, and that wait to. Running at n8n's limit while others wait: start more workers.",
        empty="n8n is not scraped: look at the telemetry dashboard.",
        runbooks=("N8nQueueLong",),
    ),
    hosts.processors(
        "n8n", "n8n", spec="system.cpu.utilization (N8N host)", says="Of the hosts that n8n runs on, over 5 minutes."
    ),
    hosts.memory(
        "n8n",
        "n8n",
        spec="system.memory.utilization (N8N host)",
        says="Memory used on the hosts that n8n runs on. n8n holds what an execution works on in memory: "
        "fewer at once need less.",
    ),
)

PAGE = Page(
    uid="n8n-ai-integration-performance",
    title="N8N AI Integration Performance",
    audience="Platform Administrators, Operations Team, N8N Developers",
    answers="Do the calls between Odoo, n8n and the AI service come through, how fast, and if not, why?",
    refresh="30s",
    shows="3h",
    team="integration",
    choices=(variables.workflow,),
    rows={
        "Is it all right?": _FIRST,
        "How fast is each step of an image?": _CALLS,
        "What fails?": _FAILURES,
        "Can n8n keep up?": _LOAD,
    },
)
