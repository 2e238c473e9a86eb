"""The specification's 48 metrics, each with the series and the recording rule that carry it."""

from dataclasses import dataclass, field


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
