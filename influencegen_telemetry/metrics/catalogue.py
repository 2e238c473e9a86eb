"""Every metric, once: what the exporter serves, and which of the specification's metrics it answers.

``METRICS`` are the series; ``SPECIFICATION`` are the specification's 48 metrics, each with the series and the recording
rule that carry it. Exposition, documentation, rules and tests are checked against these two tables.
"""

from dataclasses import dataclass, field

from .settings import THRESHOLDS

API_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 15, 20, 30, 60)
"""Around the specification's targets: 0.5 s for webhook and callback, 5-15 s for the AI service."""

AI_END_TO_END_BUCKETS = (1, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 25, 30, 45, 60)
"""The union of the two lists that the specification gives."""

PAGE_LOAD_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
INTERACTION_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5)
PAINT_BUCKETS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 6, 10)
SHIFT_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1)
"""Around the bounds of a good and a poor page: 2.5 and 4 s, 0.1 and 0.25; https://web.dev/articles/vitals."""

JOB_BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
REVIEW_BUCKETS = tuple(hours * 3600 for hours in (1, 2, 4, 8, 12, 24, 36, 48, 72, 168))

STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")


@dataclass(frozen=True)
class Label:
    """A label with its bound: a closed list of ``values``, or room for ``limit`` values; others become ``other``.

    Labels of one name share their room, unless ``room`` names another one.
    """

    name: str
    values: tuple = ()
    limit: int = 50
    room: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows that are facts: records of ``model`` in ``domain``; ``labels`` are their values for the metric's labels.

    Each label value is a constant, or ``'.column'``: the value of that column of the row; ``'.column.other'`` is that
    of the row which the column refers to.

    value: what each fact adds: a column, or a pair of datetime columns for the seconds between them; '' to count.
    at: datetime columns, the first that has a value says when the fact happened; the facts of the last week are then
        kept by 5 minutes as well.
    distinct: a column whose distinct values of a day (UTC) are counted, instead of rows.
    starts: these rows are no facts, they only make the series of their labels start at 0.
    """

    model: str
    domain: tuple = ()
    labels: tuple = ()
    value: object = ""
    at: tuple = ()
    distinct: str = ""
    starts: bool = False


@dataclass(frozen=True)
class Metric:
    """One metric family.

    name: series name; a counter's ends in ``_total``.
    kind: 'counter', 'histogram' or 'gauge'.
    scope: 'database' if each database has its own series, 'instance' if they belong to the whole server.
    group: 'fast' (scraped every 10 s), 'system' (30 s) or 'business' (60 s).
    producer: who exposes it: 'odoo', 'n8n', 'odoo and n8n', 'browser' or 'backup'.
    merge: how workers' values of a gauge become one: 'sum' and 'max' are of the live ones, 'latest' of all.
    rows: of a metric of facts, a tuple of :class:`Rows`. A counter counts the rows that ever were facts, a histogram
        observes the value of each; a gauge is the number of rows that are facts now, the mean of their values over
        ``window`` seconds, or the number of distinct values today.
    """

    name: str
    kind: str
    help: str
    labels: tuple = ()
    unit: str = ""
    buckets: tuple = ()
    scope: str = "database"
    group: str = "business"
    producer: str = "odoo"
    merge: str = "latest"
    rows: tuple = ()
    window: int = 0


def bounds(metric):
    """Return the upper bounds of the buckets of a histogram (:class:`Metric`) as floats, the last one infinite."""
    return (*map(float, metric.buckets), float("inf"))


@dataclass(frozen=True)
class Requirement:
    """One metric of the specification.

    series: the series that answer it; other exporters' series are named as those exporters name them.
    rule: the recording rule that carries it where it is a rate, a percentage or another derived value.
    interval: the specification's collection interval in seconds, or 'on_event', 'on_request', 'on_completion'.
    thresholds: what the specification gives as warning, critical, target, sla or alert condition, in its words.
    """

    name: str
    kind: str
    unit: str
    series: tuple
    producer: str
    interval: object
    rule: str = ""
    thresholds: dict = field(default_factory=dict)


ROLE = Label("user_role", ("public", "influencer", "portal", "user", "manager", "admin", "system", "unknown"))
CAMPAIGN = Label("campaign_id", limit=500)
MODEL = Label("model", limit=20)
API_LABELS = (
    Label("endpoint", limit=20),
    Label("http_method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")),
    Label("status_code_class", (*STATUS_CLASSES, "timeout", "connection_error", "circuit_open", "interrupted")),
)
"""Of a call that was not answered, the status class says why: in no time, not at all, not made because the circuit is
open, or whoever made it died meanwhile. Only those that were made and came to an end have a latency."""
DEPENDENCY = Label("dependency", ("n8n_webhook", "kyc", "payment", "aiservice"))
ROUTE = Label("route", limit=500)
UI_ROUTE = Label("route", limit=500, room="ui_route")
METHOD = Label("method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
STATUS = Label("status_code_class", STATUS_CLASSES)
WORKER_KIND = Label("kind", ("http", "gevent", "cron", "threaded", "master", "other"))
LISTENER = Label("listener", ("http", "gevent"))
JOB = Label("cron", limit=100)
BACKUP = Label("backup", ("platform", "n8n", "monitoring"))
ERROR_CLASS = Label("error_class", limit=50)
INTERACTION = Label("interaction_name", (
    "open_form", "switch_view", "search", "save", "press_button", "request_image", "log_in",
    "register", "submit_document", "apply", "submit_content",
))


def _api(name, dependency, producer="odoo"):
    return (
        Metric(f"api_{name}_latency_seconds", "histogram", f"Time of one try of a call to {dependency}.", API_LABELS,
               "seconds", API_BUCKETS, group="fast", producer=producer),
        Metric(f"api_{name}_errors_total", "counter", f"Tries of calls to {dependency} that failed.", API_LABELS,
               group="fast", producer=producer),
    )


BUSINESS = (
    Metric("influencer_registration_attempts_total", "counter",
           "Registration forms submitted, whether or not they succeeded."),
    Metric("influencer_registration_success_total", "counter", "Influencers that registered themselves.",
           rows=(Rows("influencegen.influencer", (("source", "!=", "backoffice"),), at=("create_date",)),)),
    Metric("influencer_kyc_submissions_total", "counter", "KYC documents submitted.",
           rows=(Rows("influencegen.kyc", (("submitted_at", "!=", False),)),)),
    Metric("influencer_kyc_verifications_total", "counter", "KYC verifications decided.",
           (Label("verification_type", ("automated", "manual")), Label("outcome", ("approved", "rejected"))),
           rows=(Rows("influencegen.kyc", (("state", "in", ("approved", "rejected")),),
                      (".verification_type", ".state"), at=("reviewed_at", "automated_at")),)),
    Metric("influencer_kyc_verification_automated_step_latency_seconds", "histogram",
           "Time of one automated KYC verification step, retries included.",
           (Label("verification_service", limit=5), Label("step_name", limit=10)), "seconds", API_BUCKETS),
    Metric("influencer_onboarding_kyc_manual_review_time_seconds", "histogram",
           "Time from the request for manual KYC review to its decision.", unit="seconds", buckets=REVIEW_BUCKETS,
           rows=(Rows("influencegen.kyc", (("state", "in", ("approved", "rejected")),
                                           ("verification_type", "=", "manual")),
                      value=("review_requested_at", "reviewed_at")),)),
    Metric("campaign_applications_total", "counter", "Applications of influencers to campaigns.", (CAMPAIGN,),
           rows=(Rows("influencegen.application", (), (".campaign_id",)),
                 Rows("influencegen.campaign", (), (".id",), starts=True))),
    Metric("campaign_content_submissions_total", "counter", "Content submitted for campaigns.", (CAMPAIGN,),
           rows=(Rows("influencegen.content", (), (".campaign_id",)),
                 Rows("influencegen.campaign", (), (".id",), starts=True))),
    Metric("payment_processing_attempts_total", "counter", "Attempts to pay an influencer; a retry is a new attempt.",
           rows=(Rows("influencegen.payment.attempt"),)),
    Metric("payment_processing_success_total", "counter", "Attempts to pay an influencer that paid.",
           rows=(Rows("influencegen.payment.attempt", (("state", "=", "paid"),), at=("finished_at",)),)),
    Metric("payment_processing_failures_total", "counter", "Attempts to pay an influencer that failed.",
           rows=(Rows("influencegen.payment.attempt", (("state", "=", "failed"),), at=("finished_at",)),)),
    Metric("ai_image_generation_requests_total", "counter", "AI images requested.", group="fast",
           rows=(Rows("influencegen.image"),)),
    Metric("ai_image_generation_success_total", "counter", "AI images stored.", group="fast",
           rows=(Rows("influencegen.image", (("state", "=", "done"),), at=("finished_at",)),)),
    Metric("ai_image_generation_failures_total", "counter", "AI image requests that ended without an image.",
           (Label("reason", ("failed", "timed_out")),), group="fast",
           rows=(Rows("influencegen.image", (("state", "in", ("failed", "timed_out")),), (".state",),
                      at=("finished_at",)),)),
    Metric("ai_image_generation_end_to_end_latency_seconds", "histogram",
           "Time from the request of an AI image to the image being stored in Odoo.", (), "seconds",
           AI_END_TO_END_BUCKETS, group="fast",
           rows=(Rows("influencegen.image", (("state", "=", "done"),), value=("requested_at", "finished_at"),
                      at=("finished_at",)),)),
    Metric("ai_image_generation_cost_per_image_usd", "gauge",
           "Average cost of the AI images stored in the last 24 hours.", (MODEL,), "usd",
           rows=(Rows("influencegen.image", (("state", "=", "done"),), (".model_id.code",), "cost_usd",
                      ("finished_at",)),), window=86_400),
    Metric("influencer_active", "gauge", "Influencers in state active.",
           rows=(Rows("influencegen.influencer", (("state", "=", "active"),)),)),
    Metric("influencers", "gauge", "Influencers by state.",
           (Label("state", ("registered", "kyc_pending", "active", "suspended", "rejected")),),
           rows=(Rows("influencegen.influencer", (), (".state",)),)),
    Metric("influencer_kyc_queue_length", "gauge", "KYC submissions that wait.",
           (Label("state", ("submitted", "review")),)),
    Metric("influencer_kyc_queue_oldest_age_seconds", "gauge", "Age of the KYC submission that has waited longest.",
           (Label("state", ("submitted", "review")),), "seconds"),
    Metric("ai_image_generation_pending", "gauge", "AI image requests without a final state."),
    Metric("user_logins_daily_active_influencers", "gauge", "Distinct users that logged in since midnight UTC.",
           (ROLE,), rows=(Rows("res.users.log", (("create_uid", "!=", False),), at=("create_date",),
                               distinct="create_uid"),)),
)

APIS = (
    *_api("odoo_to_n8n_webhook", "the n8n webhook from Odoo"),
    *_api("n8n_to_aiservice", "the AI image service from n8n", "n8n"),
    *_api("n8n_to_odoo_callback", "Odoo's callback from n8n", "n8n"),
    *_api("external_kyc_service", "the external KYC service"),
    *_api("payment_provider", "the payment provider"),
    Metric("api_circuit_breaker_state", "gauge",
           "State of the circuit breaker of a dependency, worst of all workers: 0 closed, 1 half-open, 2 open.",
           (DEPENDENCY,), group="fast", producer="odoo and n8n", merge="max"),
)

RUNTIME = (
    Metric("odoo_http_requests_total", "counter", "HTTP requests answered.", (ROUTE, METHOD, STATUS, ROLE),
           group="system"),
    Metric("odoo_http_request_duration_seconds", "histogram", "Time to answer an HTTP request.",
           (ROUTE, METHOD, STATUS), "seconds", REQUEST_BUCKETS, group="system"),
    Metric("odoo_http_request_sql_statements_total", "counter", "SQL statements sent while answering HTTP requests.",
           (ROUTE,), group="system"),
    Metric("odoo_http_request_sql_seconds_total", "counter", "Time spent in SQL while answering HTTP requests.",
           (ROUTE,), "seconds", group="system"),
    Metric("odoo_application_errors_total", "counter", "Unhandled errors in Odoo's log.",
           (Label("error_type", ("python_exception", "orm_error", "controller_error")),
            ERROR_CLASS, Label("module_name", limit=50)), group="system", scope="instance"),
    Metric("odoo_orm_cache_hits_total", "counter", "Look-ups that Odoo's ORM cache answered.", scope="instance",
           group="system"),
    Metric("odoo_orm_cache_misses_total", "counter", "Look-ups that Odoo's ORM cache could not answer.",
           scope="instance", group="system"),
    Metric("odoo_workers_configured", "gauge", "Worker processes that the configuration asks for.", (WORKER_KIND,),
           scope="instance", group="system"),
    Metric("odoo_workers_active", "gauge", "Worker processes that are alive.", (WORKER_KIND,), scope="instance",
           group="system"),
    Metric("odoo_workers_busy", "gauge", "Worker processes that are answering a request or running a job.",
           (WORKER_KIND,), scope="instance", group="system", merge="sum"),
    Metric("odoo_workers_recycled_total", "counter", "Worker processes that took the place of one that had ended.",
           (WORKER_KIND,), scope="instance", group="system"),
    Metric("odoo_worker_cpu_seconds_total", "counter", "CPU time of worker processes, ended ones included.",
           (WORKER_KIND,), "seconds", scope="instance", group="system"),
    Metric("odoo_worker_resident_memory_bytes", "gauge", "Resident memory of a live worker process.",
           (Label("slot", limit=256), WORKER_KIND), "bytes", scope="instance", group="system"),
    Metric("odoo_request_queue_length", "gauge", "Connections that wait in the kernel for an Odoo worker.", (LISTENER,),
           scope="instance", group="system"),
    Metric("odoo_request_queue_limit", "gauge", "Connections that may wait in the kernel for an Odoo worker.",
           (LISTENER,), scope="instance", group="system"),
    Metric("odoo_request_queue_overflows_total", "counter",
           "Connections refused because too many waited for an Odoo worker.", (LISTENER,), scope="instance",
           group="system"),
    Metric("odoo_concurrent_users", "gauge", "Distinct users seen within the configured window.", (ROLE,),
           group="system"),
    Metric("odoo_cron_runs_total", "counter", "Scheduled jobs run.", (JOB,), group="system"),
    Metric("odoo_cron_failures_total", "counter", "Scheduled jobs that failed.", (JOB,), group="system"),
    Metric("odoo_cron_duration_seconds", "histogram", "Time to run a scheduled job.", (JOB,), "seconds", JOB_BUCKETS,
           group="system"),
    Metric("odoo_cron_lateness_seconds", "histogram", "Time between a job's due time and its start.", (JOB,), "seconds",
           JOB_BUCKETS, group="system"),
    Metric("odoo_ui_page_load_time_seconds", "histogram",
           "Time to load a page, or to open an action or a view in the web client, as the browser measured it.",
           (UI_ROUTE, ROLE), "seconds", PAGE_LOAD_BUCKETS, group="system",
           producer="browser"),
    Metric("odoo_ui_interaction_latency_seconds", "histogram",
           "Time of a key interaction, as the browser measured it.", (INTERACTION, ROLE), "seconds",
           INTERACTION_BUCKETS, group="system", producer="browser"),
    Metric("odoo_ui_largest_contentful_paint_seconds", "histogram",
           "Time until the largest part of a page was drawn (LCP).", (ROLE,), "seconds", PAINT_BUCKETS,
           group="system", producer="browser"),
    Metric("odoo_ui_interaction_to_next_paint_seconds", "histogram",
           "Time from an input to the next picture, of the slowest inputs of a page (INP).", (ROLE,), "seconds",
           INTERACTION_BUCKETS, group="system", producer="browser"),
    Metric("odoo_ui_cumulative_layout_shift", "histogram",
           "How much a page moved under its reader's eyes (CLS), without a unit.", (ROLE,), "", SHIFT_BUCKETS,
           group="system", producer="browser"),
)

OTHER_PRODUCERS = (
    Metric("n8n_workflow_execution_errors_total", "counter",
           "n8n workflow executions that failed for a reason other than an external service.",
           (Label("workflow_name", limit=50), Label("node_name", limit=200),
            Label("error_type", ("node_execution_error", "workflow_logic_error"))), scope="instance", group="fast",
           producer="n8n"),
    Metric("n8n_workflow_active_executions", "gauge", "n8n workflow executions that run, over all n8n workers.",
           scope="instance", group="fast", producer="n8n"),
    Metric("n8n_workflow_execution_queue_length", "gauge",
           "n8n workflow executions that wait to run: for a worker in queue mode, else for a place within n8n's limit.",
           scope="instance", group="fast", producer="n8n"),
    Metric("backup_job_total", "counter", "Backup jobs finished.", (BACKUP,), scope="instance", producer="backup"),
    Metric("backup_job_success_total", "counter", "Backup jobs finished with a verified backup.", (BACKUP,),
           scope="instance", producer="backup"),
    Metric("backup_job_duration_seconds", "gauge", "Time that the last backup job took, good or not.", (BACKUP,),
           "seconds", scope="instance", producer="backup"),
    Metric("backup_size_bytes", "gauge", "Size of the last verified backup.", (BACKUP,), "bytes", scope="instance",
           producer="backup"),
    Metric("backup_last_success_timestamp_seconds", "gauge",
           "When the last verified backup was finished; 0 if there is none.", (BACKUP,), "seconds", scope="instance",
           producer="backup"),
    Metric("backup_schedule_seconds", "gauge", "Time from the beginning of a backup job to that of the next.",
           (BACKUP,), "seconds", scope="instance", producer="backup"),
    Metric("backup_attachments_elsewhere", "gauge",
           "Attachments of the last verified backup that are in another store than the filestore.",
           (BACKUP,), scope="instance", producer="backup"),
    Metric("backup_scratch_databases", "gauge", "Scratch databases that the last backup job could not drop.", (BACKUP,),
           scope="instance", producer="backup"),
)

EXPORTER = (
    Metric("influencegen_telemetry_errors_total", "counter",
           "Failures of telemetry itself; each cost a value or a reading, never a request.",
           (Label("reason", ("directory", "disk", "damaged", "metric", "label", "value", "settings", "scrape",
                             "database", "ledger", "instrumentation", "presence", "unauthorized",
                             "tracing", "own_metric")),),
           scope="instance", group="system"),
    Metric("influencegen_telemetry_browser_batches_refused_total", "counter",
           "Batches of browsers' measurements that were refused.",
           (Label("reason", ("off", "origin", "size", "token", "malformed", "rate")),), scope="instance",
           group="system"),
    Metric("influencegen_telemetry_threshold", "gauge", "What an administrator set for alerts to compare with.",
           (Label("name", tuple(THRESHOLDS)),)),
    Metric("influencegen_telemetry_labels_folded_total", "counter", "Label values replaced by 'other'.",
           (Label("label", limit=60),), scope="instance", group="system", producer="odoo and n8n"),
    Metric("influencegen_telemetry_label_values", "gauge", "Values that a label has taken.",
           (Label("label", limit=60),), group="system"),
    Metric("influencegen_telemetry_ledger_backlog", "gauge", "Ledger entries that are not rolled up yet."),
    Metric("influencegen_telemetry_facts_carried_over_total", "counter",
           "Facts that a database restored to an older state no longer holds, and that its counters keep.",
           (Label("fact", limit=60),)),
    Metric("influencegen_telemetry_audit_missing_rows", "gauge",
           "Rows that are facts but not in the ledger, by the last complete audit.", (Label("fact", limit=60),)),
    Metric("influencegen_telemetry_audit_extra_rows", "gauge",
           "Rows that are in the ledger but no longer there, by the last complete audit.", (Label("fact", limit=60),)),
    Metric("influencegen_telemetry_audit_progress_ratio", "gauge",
           "Share of the rows that the current audit has compared with the ledger, 0 to 1.",
           (Label("fact", limit=60),)),
    Metric("influencegen_telemetry_audit_completed_timestamp_seconds", "gauge",
           "When the last complete audit of a fact ended; 0 if there was none.", (Label("fact", limit=60),), "seconds"),
    Metric("influencegen_telemetry_database_read_age_seconds", "gauge",
           "Age of the values that were read from the database.", unit="seconds"),
    Metric("influencegen_telemetry_database_read_duration_seconds", "gauge",
           "Time that the last reading of the database took.", unit="seconds"),
    Metric("influencegen_telemetry_scrape_duration_seconds", "gauge", "Time to collect this answer.", (), "seconds",
           scope="instance", group="system"),
    Metric("influencegen_telemetry_series", "gauge", "Samples in the shared store.", (), scope="instance",
           group="system"),
    Metric("influencegen_telemetry_slots", "gauge", "Worker slots ever made in the shared store.", scope="instance",
           group="system"),
)

METRICS = {metric.name: metric for metric in (*BUSINESS, *APIS, *RUNTIME, *OTHER_PRODUCERS, *EXPORTER)}
"""All metric families by name."""

FACTS = tuple(metric for metric in METRICS.values() if metric.rows)
"""The metrics whose values come from the ledger."""

AUDITED = tuple(
    metric for metric in FACTS
    if metric.kind == "counter" or metric.kind == "gauge" and not metric.window and not metric.rows[0].distinct
)
"""Those of them whose rows can be counted again: the audit compares them with the ledger."""


def _requirement(name, kind, unit, series, producer, interval, rule="", **thresholds):
    return Requirement(name, kind, unit, tuple(series.split()), producer, interval, rule, thresholds)


_P95 = "influencegen:{}_latency_seconds:p95_5m"

SPECIFICATION = {requirement.name: requirement for requirement in (
    _requirement("system.cpu.utilization", "gauge", "percentage", "node_cpu_seconds_total", "node_exporter", 60,
                 "influencegen:system_cpu_utilization:avg_5m", warning="70%", critical="85%"),
    _requirement("system.memory.utilization", "gauge", "percentage",
                 "node_memory_MemAvailable_bytes node_memory_MemTotal_bytes", "node_exporter", 60,
                 "influencegen:system_memory_utilization:percent", warning="75%", critical="90%"),
    _requirement("system.disk.io.ops", "counter", "operations/sec",
                 "node_disk_reads_completed_total node_disk_writes_completed_total", "node_exporter", 60,
                 "influencegen:system_disk_io_ops:rate_1m", warning="depends on disk spec",
                 critical="depends on disk spec saturation"),
    _requirement("system.disk.space.used.percentage", "gauge", "percentage",
                 "node_filesystem_avail_bytes node_filesystem_size_bytes", "node_exporter", 300,
                 "influencegen:system_disk_space_used:percent", warning="80%", critical="90%"),
    _requirement("system.network.io.bytes", "counter", "bytes/sec",
                 "node_network_receive_bytes_total node_network_transmit_bytes_total", "node_exporter", 60,
                 "influencegen:system_network_io_bytes:rate_1m", warning="depends on link capacity",
                 critical="depends on link capacity saturation"),
    _requirement("gpu.utilization", "gauge", "percentage", "gpu_utilization_percent", "gpu_exporter", 30,
                 warning="70%", critical="90%"),
    _requirement("gpu.memory.utilization", "gauge", "percentage", "gpu_memory_used_bytes gpu_memory_total_bytes",
                 "gpu_exporter", 30, "influencegen:gpu_memory_utilization:percent", warning="75%", critical="90%"),
    _requirement("odoo.workers.active_count", "gauge", "count", "odoo_workers_active", "odoo", 60),
    _requirement("odoo.request_queue.length", "gauge", "count", "odoo_request_queue_length", "odoo", 30),
    _requirement("n8n.workflow.active_executions", "gauge", "count", "n8n_workflow_active_executions", "n8n", 60),
    _requirement("n8n.workflow.execution_queue.length", "gauge", "count", "n8n_workflow_execution_queue_length", "n8n",
                 30, "influencegen:n8n_workflow_execution_queue_length:max"),
    _requirement("postgresql.connections.active_count", "gauge", "count",
                 "pg_stat_activity_count pg_settings_max_connections", "postgres_exporter", 60,
                 "influencegen:postgresql_connections_active_count:sum", warning="80% of max_connections",
                 critical="95% of max_connections"),
    _requirement("postgresql.query.slow_query_rate", "counter", "queries/sec", "postgresql_slow_queries_total",
                 "slow_queries", 60, "influencegen:postgresql_query_slow_query_rate:rate_1m"),
    _requirement("odoo.ui.page_load_time_seconds", "histogram", "seconds", "odoo_ui_page_load_time_seconds", "browser",
                 "on_request", "influencegen:odoo_ui_page_load_time_seconds:p95_5m"),
    _requirement("odoo.ui.interaction_latency_seconds", "histogram", "seconds", "odoo_ui_interaction_latency_seconds",
                 "browser", "on_request", "influencegen:odoo_ui_interaction_latency_seconds:p95_5m"),
    _requirement("system.availability.percentage", "gauge", "percentage", "probe_success", "blackbox_exporter", 60,
                 "influencegen:system_availability:percent_1m", sla="99.9%"),
    _requirement("odoo.concurrent_users.count", "gauge", "count", "odoo_concurrent_users", "odoo", 60,
                 capacity="configurable (200, 500, 1000)"),
    _requirement("influencer.registration.attempts_rate", "counter", "registrations/sec",
                 "influencer_registration_attempts_total", "odoo", 60,
                 "influencegen:influencer_registration_attempts_rate:rate_1m"),
    _requirement("influencer.registration.success_rate", "gauge", "percentage",
                 "influencer_registration_success_total influencer_registration_attempts_total", "odoo", 300,
                 "influencegen:influencer_registration_success_rate:percent_1h", alert="< 80 for 1h"),
    _requirement("influencer.kyc.submission_rate", "counter", "submissions/sec", "influencer_kyc_submissions_total",
                 "odoo", 60, "influencegen:influencer_kyc_submission_rate:rate_1m"),
    _requirement("influencer.kyc.verification.automated_step_latency_seconds", "histogram", "seconds",
                 "influencer_kyc_verification_automated_step_latency_seconds", "odoo", "on_event",
                 "influencegen:influencer_kyc_verification_automated_step_latency_seconds:p95_5m"),
    _requirement("influencer.kyc.verification.success_rate", "gauge", "percentage",
                 "influencer_kyc_verifications_total", "odoo", 3600,
                 "influencegen:influencer_kyc_verification_success_rate:percent_1h"),
    _requirement("campaign.application_rate", "counter", "applications/sec", "campaign_applications_total", "odoo", 60,
                 "influencegen:campaign_application_rate:rate_1m"),
    _requirement("campaign.content.submission_rate", "counter", "submissions/sec",
                 "campaign_content_submissions_total", "odoo", 60,
                 "influencegen:campaign_content_submission_rate:rate_1m"),
    _requirement("payment.processing.attempts_rate", "counter", "payments/sec", "payment_processing_attempts_total",
                 "odoo", 60, "influencegen:payment_processing_attempts_rate:rate_1m"),
    _requirement("payment.processing.success_rate", "gauge", "percentage",
                 "payment_processing_success_total payment_processing_attempts_total", "odoo", 3600,
                 "influencegen:payment_processing_success_rate:percent_1h"),
    _requirement("odoo.orm.cache.hit_ratio", "gauge", "percentage",
                 "odoo_orm_cache_hits_total odoo_orm_cache_misses_total", "odoo", 60,
                 "influencegen:odoo_orm_cache_hit_ratio:percent_5m", target="> 80%"),
    _requirement("api.odoo_to_n8n_webhook.latency_seconds", "histogram", "seconds",
                 "api_odoo_to_n8n_webhook_latency_seconds", "odoo", 10, _P95.format("api_odoo_to_n8n_webhook"),
                 sla="0.5 s; availability 99.9%"),
    _requirement("api.odoo_to_n8n_webhook.error_rate", "counter", "errors/sec", "api_odoo_to_n8n_webhook_errors_total",
                 "odoo", 10, "influencegen:api_odoo_to_n8n_webhook_error_rate:rate_5m", sla="availability 99.9%"),
    _requirement("api.n8n_to_aiservice.latency_seconds", "histogram", "seconds",
                 "api_n8n_to_aiservice_latency_seconds", "n8n", 10, _P95.format("api_n8n_to_aiservice"),
                 sla="average 5-15 s by complexity; availability 99.5%"),
    _requirement("api.n8n_to_aiservice.error_rate", "counter", "errors/sec", "api_n8n_to_aiservice_errors_total",
                 "n8n", 10, "influencegen:api_n8n_to_aiservice_error_rate:rate_5m", sla="availability 99.5%",
                 alert="> 0.1 for 5m"),
    _requirement("api.n8n_to_odoo_callback.latency_seconds", "histogram", "seconds",
                 "api_n8n_to_odoo_callback_latency_seconds", "n8n", 10, _P95.format("api_n8n_to_odoo_callback"),
                 sla="0.5 s; availability 99.9%"),
    _requirement("api.n8n_to_odoo_callback.error_rate", "counter", "errors/sec",
                 "api_n8n_to_odoo_callback_errors_total", "n8n", 10,
                 "influencegen:api_n8n_to_odoo_callback_error_rate:rate_5m", sla="availability 99.9%"),
    _requirement("api.external_kyc_service.latency_seconds", "histogram", "seconds",
                 "api_external_kyc_service_latency_seconds", "odoo", 10, _P95.format("api_external_kyc_service"),
                 sla="defined by the KYC provider"),
    _requirement("api.external_kyc_service.error_rate", "counter", "errors/sec",
                 "api_external_kyc_service_errors_total", "odoo", 10,
                 "influencegen:api_external_kyc_service_error_rate:rate_5m", sla="defined by the KYC provider"),
    _requirement("odoo.application.error_rate", "counter", "errors/sec", "odoo_application_errors_total", "odoo", 60,
                 "influencegen:odoo_application_error_rate:rate_5m", alert="configurable (> 5 errors/min)"),
    _requirement("n8n.workflow.execution.error_rate", "counter", "errors/sec", "n8n_workflow_execution_errors_total",
                 "n8n", 60, "influencegen:n8n_workflow_execution_error_rate:rate_5m",
                 alert="configurable (> 2 errors/min for a critical workflow)"),
    _requirement("ai.image_generation.request_rate", "counter", "requests/sec", "ai_image_generation_requests_total",
                 "odoo", 60, "influencegen:ai_image_generation_request_rate:rate_1m"),
    _requirement("ai.image_generation.success_rate", "gauge", "percentage",
                 "ai_image_generation_success_total ai_image_generation_failures_total", "odoo", 60,
                 "influencegen:ai_image_generation_success_rate:percent_1h"),
    _requirement("ai.image_generation.end_to_end_latency_seconds", "histogram", "seconds",
                 "ai_image_generation_end_to_end_latency_seconds", "odoo", "on_event",
                 "influencegen:ai_image_generation_end_to_end_latency_seconds:p95_5m", sla="P90 20 s; P95 30 s",
                 alert="p95 > 30 for 10m"),
    _requirement("influencer.onboarding.registrations_per_hour", "counter", "count/hour",
                 "influencer_registration_attempts_total", "odoo", 3600,
                 "influencegen:influencer_onboarding_registrations_per_hour:increase_1h", target="50-100"),
    _requirement("ai.image_generation.daily_volume", "counter", "count/day", "ai_image_generation_requests_total",
                 "odoo", 86400, "influencegen:ai_image_generation_daily_volume:increase_1d", target="5000-10000"),
    _requirement("influencer.active_count_total", "gauge", "count", "influencer_active", "odoo", 86400,
                 "influencegen:influencer_active_count_total:max", target="10000 (initial), 100000+ (scalable)"),
    _requirement("user.logins.daily_active_influencers", "gauge", "count", "user_logins_daily_active_influencers",
                 "odoo", 86400),
    _requirement("influencer.onboarding.kyc_approval_rate", "gauge", "percentage",
                 "influencer_kyc_verifications_total", "odoo", 3600,
                 "influencegen:influencer_onboarding_kyc_approval_rate:percent_1d", target="> 85%"),
    _requirement("influencer.onboarding.kyc_manual_review_time_avg_hours", "gauge", "hours",
                 "influencer_onboarding_kyc_manual_review_time_seconds", "odoo", 3600,
                 "influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d", target="< 24 hours"),
    _requirement("system.backup.job_success_rate", "gauge", "percentage",
                 "backup_job_success_total backup_job_total", "backup", "on_completion",
                 "influencegen:system_backup_job_success_rate:percent_24h", target="100%", alert="< 100"),
    _requirement("ai.image_generation.cost_per_image_usd", "gauge", "USD", "ai_image_generation_cost_per_image_usd",
                 "odoo", 86400),
)}
"""The specification's 48 metrics by name."""
