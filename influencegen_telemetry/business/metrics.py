"""What the platform measures: influencers, campaigns, payments, AI images, the calls to other services, and backups."""

from . import catalogue

ROLE, STATUS_CLASSES = catalogue.ROLE, catalogue.STATUS_CLASSES
Label, Metric, Rows = catalogue.Label, catalogue.Metric, catalogue.Rows

API_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 15, 20, 30, 60)
"""Around the specification's targets: 0.5 s for webhook and callback, 5-15 s for the AI service."""

AI_END_TO_END_BUCKETS = (1, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 25, 30, 45, 60)
"""The union of the two lists that the specification gives."""

REVIEW_BUCKETS = tuple(hours * 3600 for hours in (1, 2, 4, 8, 12, 24, 36, 48, 72, 168))

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
BACKUP = Label("backup", ("platform", "n8n", "monitoring"))


def _api(name, dependency, producer="odoo"):
    return (
        Metric(
            f"api_{name}_latency_seconds",
            "histogram",
            f"Time of one try of a call to {dependency}.",
            API_LABELS,
            "seconds",
            API_BUCKETS,
            group="fast",
            producer=producer,
        ),
        Metric(
            f"api_{name}_errors_total",
            "counter",
            f"Tries of calls to {dependency} that failed.",
            API_LABELS,
            group="fast",
            producer=producer,
        ),
    )


BUSINESS = (
    Metric(
        "influencer_registration_attempts_total",
        "counter",
        "Registration forms submitted, whether or not they succeeded.",
    ),
    Metric(
        "influencer_registration_success_total",
        "counter",
        "Influencers that registered themselves.",
        rows=(Rows("influencegen.influencer", (("source", "!=", "backoffice"),), at=("create_date",)),),
    ),
    Metric(
        "influencer_kyc_submissions_total",
        "counter",
        "KYC documents submitted.",
        rows=(Rows("influencegen.kyc", (("submitted_at", "!=", False),)),),
    ),
    Metric(
        "influencer_kyc_verifications_total",
        "counter",
        "KYC verifications decided.",
        (Label("verification_type", ("automated", "manual")), Label("outcome", ("approved", "rejected"))),
        rows=(
            Rows(
                "influencegen.kyc",
                (("state", "in", ("approved", "rejected")),),
                (".verification_type", ".state"),
                at=("reviewed_at", "automated_at"),
            ),
        ),
    ),
    Metric(
        "influencer_kyc_verification_automated_step_latency_seconds",
        "histogram",
        "Time of one automated KYC verification step, retries included.",
        (Label("verification_service", limit=5), Label("step_name", limit=10)),
        "seconds",
        API_BUCKETS,
    ),
    Metric(
        "influencer_onboarding_kyc_manual_review_time_seconds",
        "histogram",
        "Time from the request for manual KYC review to its decision.",
        unit="seconds",
        buckets=REVIEW_BUCKETS,
        rows=(
            Rows(
                "influencegen.kyc",
                (("state", "in", ("approved", "rejected")), ("verification_type", "=", "manual")),
                value=("review_requested_at", "reviewed_at"),
            ),
        ),
    ),
    Metric(
        "campaign_applications_total",
        "counter",
        "Applications of influencers to campaigns.",
        (CAMPAIGN,),
        rows=(
            Rows("influencegen.application", (), (".campaign_id",)),
            Rows("influencegen.campaign", (), (".id",), starts=True),
        ),
    ),
    Metric(
        "campaign_content_submissions_total",
        "counter",
        "Content submitted for campaigns.",
        (CAMPAIGN,),
        rows=(
            Rows("influencegen.content", (), (".campaign_id",)),
            Rows("influencegen.campaign", (), (".id",), starts=True),
        ),
    ),
    Metric(
        "payment_processing_attempts_total",
        "counter",
        "Attempts to pay an influencer; a retry is a new attempt.",
        rows=(Rows("influencegen.payment.attempt"),),
    ),
    Metric(
        "payment_processing_success_total",
        "counter",
        "Attempts to pay an influencer that paid.",
        rows=(Rows("influencegen.payment.attempt", (("state", "=", "paid"),), at=("finished_at",)),),
    ),
    Metric(
        "payment_processing_failures_total",
        "counter",
        "Attempts to pay an influencer that failed.",
        rows=(Rows("influencegen.payment.attempt", (("state", "=", "failed"),), at=("finished_at",)),),
    ),
    Metric(
        "ai_image_generation_requests_total",
        "counter",
        "AI images requested.",
        group="fast",
        rows=(Rows("influencegen.image"),),
    ),
    Metric(
        "ai_image_generation_success_total",
        "counter",
        "AI images stored.",
        group="fast",
        rows=(Rows("influencegen.image", (("state", "=", "done"),), at=("finished_at",)),),
    ),
    Metric(
        "ai_image_generation_failures_total",
        "counter",
        "AI image requests that ended without an image.",
        (Label("reason", ("failed", "timed_out")),),
        group="fast",
        rows=(
            Rows("influencegen.image", (("state", "in", ("failed", "timed_out")),), (".state",), at=("finished_at",)),
        ),
    ),
    Metric(
        "ai_image_generation_end_to_end_latency_seconds",
        "histogram",
        "Time from the request of an AI image to the image being stored in Odoo.",
        (),
        "seconds",
        AI_END_TO_END_BUCKETS,
        group="fast",
        rows=(
            Rows(
                "influencegen.image",
                (("state", "=", "done"),),
                value=("requested_at", "finished_at"),
                at=("finished_at",),
            ),
        ),
    ),
    Metric(
        "ai_image_generation_cost_per_image_usd",
        "gauge",
        "Average cost of the AI images stored in the last 24 hours.",
        (MODEL,),
        "usd",
        rows=(
            Rows("influencegen.image", (("state", "=", "done"),), (".model_id.code",), "cost_usd", ("finished_at",)),
        ),
        window=86_400,
    ),
    Metric(
        "influencer_active",
        "gauge",
        "Influencers in state active.",
        rows=(Rows("influencegen.influencer", (("state", "=", "active"),)),),
    ),
    Metric(
        "influencers",
        "gauge",
        "Influencers by state.",
        (Label("state", ("registered", "kyc_pending", "active", "suspended", "rejected")),),
        rows=(Rows("influencegen.influencer", (), (".state",)),),
    ),
    Metric(
        "influencer_kyc_queue_length", "gauge", "KYC submissions that wait.", (Label("state", ("submitted", "review")),)
    ),
    Metric(
        "influencer_kyc_queue_oldest_age_seconds",
        "gauge",
        "Age of the KYC submission that has waited longest.",
        (Label("state", ("submitted", "review")),),
        "seconds",
    ),
    Metric("ai_image_generation_pending", "gauge", "AI image requests without a final state."),
    Metric(
        "user_logins_daily_active_influencers",
        "gauge",
        "Distinct users that logged in since midnight UTC.",
        (ROLE,),
        rows=(Rows("res.users.log", (("create_uid", "!=", False),), at=("create_date",), distinct="create_uid"),),
    ),
)

FACTS = tuple(metric for metric in BUSINESS if metric.rows)

APIS = (
    *_api("odoo_to_n8n_webhook", "the n8n webhook from Odoo"),
    *_api("n8n_to_aiservice", "the AI image service from n8n", "n8n"),
    *_api("n8n_to_odoo_callback", "Odoo's callback from n8n", "n8n"),
    *_api("external_kyc_service", "the external KYC service"),
    *_api("payment_provider", "the payment provider"),
    Metric(
        "api_circuit_breaker_state",
        "gauge",
        "State of the circuit breaker of a dependency, worst of all workers: 0 closed, 1 half-open, 2 open.",
        (DEPENDENCY,),
        group="fast",
        producer="odoo and n8n",
        merge="max",
    ),
)

OTHER_PRODUCERS = (
    Metric(
        "n8n_workflow_execution_errors_total",
        "counter",
        "n8n workflow executions that failed for a reason other than an external service.",
        (
            Label("workflow_name", limit=50),
            Label("node_name", limit=200),
            Label("error_type", ("node_execution_error", "workflow_logic_error")),
        ),
        scope="instance",
        group="fast",
        producer="n8n",
    ),
    Metric(
        "n8n_workflow_active_executions",
        "gauge",
        "n8n workflow executions that run, over all n8n workers.",
        scope="instance",
        group="fast",
        producer="n8n",
    ),
    Metric(
        "n8n_workflow_execution_queue_length",
        "gauge",
        "n8n workflow executions that wait to run: for a worker in queue mode, else for a place within n8n's limit.",
        scope="instance",
        group="fast",
        producer="n8n",
    ),
    Metric("backup_job_total", "counter", "Backup jobs finished.", (BACKUP,), scope="instance", producer="backup"),
    Metric(
        "backup_job_success_total",
        "counter",
        "Backup jobs finished with a verified backup.",
        (BACKUP,),
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_job_duration_seconds",
        "gauge",
        "Time that the last backup job took, good or not.",
        (BACKUP,),
        "seconds",
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_size_bytes",
        "gauge",
        "Size of the last verified backup.",
        (BACKUP,),
        "bytes",
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_last_success_timestamp_seconds",
        "gauge",
        "When the last verified backup was finished; 0 if there is none.",
        (BACKUP,),
        "seconds",
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_schedule_seconds",
        "gauge",
        "Time from the beginning of a backup job to that of the next.",
        (BACKUP,),
        "seconds",
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_attachments_elsewhere",
        "gauge",
        "Attachments of the last verified backup that are in another store than the filestore.",
        (BACKUP,),
        scope="instance",
        producer="backup",
    ),
    Metric(
        "backup_scratch_databases",
        "gauge",
        "Scratch databases that the last backup job could not drop.",
        (BACKUP,),
        scope="instance",
        producer="backup",
    ),
)

catalogue.declare(*BUSINESS, *APIS, *OTHER_PRODUCERS, module="influencegen_telemetry")
catalogue.declare_role("admin", "influencegen.group_administrator")
catalogue.declare_role("manager", "influencegen.group_campaign_manager")
catalogue.declare_role("manager", "influencegen.group_kyc_reviewer")
catalogue.declare_role("manager", "influencegen.group_finance")
catalogue.declare_role("influencer", "influencegen.group_influencer", before="portal")
catalogue.declare_interactions("request_image", "register", "submit_document", "apply", "submit_content")
catalogue.declare_threshold("n8n_errors_per_minute", 2)
catalogue.declare_span_attributes("influencegen.request_id")
catalogue.declare_observer("odoo.addons.influencegen_telemetry")
