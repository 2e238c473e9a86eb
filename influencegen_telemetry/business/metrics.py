"""What the platform measures: influencers, campaigns, payments, AI images, the calls to other services, and backups."""

from typing import NamedTuple

from . import catalogue

ROLE, STATUS_CLASSES = catalogue.ROLE, catalogue.STATUS_CLASSES
Counter, Gauge, Histogram = catalogue.Counter, catalogue.Gauge, catalogue.Histogram
Label, Rows = catalogue.Label, catalogue.Rows

_ELSEWHERE = tuple(catalogue.METRICS.values())

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
"""A call without an answer has the reason as its status class: it timed out, could not connect, was not made because
the circuit is open, or its caller ended meanwhile (interrupted). Calls that were not made, or were interrupted, have no
latency."""
DEPENDENCY = Label("dependency", ("n8n_webhook", "kyc", "payment", "aiservice"))
BACKUP = Label("backup", ("platform", "n8n", "monitoring"))


REGISTRATION_ATTEMPTS = Counter(
    "influencer_registration_attempts_total",
    "Registrations submitted by form or API, whether or not they succeeded, except those refused by the rate limit.",
)
REGISTRATION_SUCCESS = Counter(
    "influencer_registration_success_total",
    "Influencers that registered themselves.",
    rows=(Rows("influencegen.influencer", (("source", "!=", "backoffice"),), at=("create_date",)),),
)
KYC_SUBMISSIONS = Counter(
    "influencer_kyc_submissions_total",
    "KYC documents submitted.",
    rows=(Rows("influencegen.kyc", (("submitted_at", "!=", False),)),),
)
KYC_VERIFICATIONS = Counter(
    "influencer_kyc_verifications_total",
    "KYC verifications decided.",
    labels=(Label("verification_type", ("automated", "manual")), Label("outcome", ("approved", "rejected"))),
    rows=(
        Rows(
            "influencegen.kyc",
            (("state", "in", ("approved", "rejected")),),
            (".verification_type", ".state"),
            at=("reviewed_at", "automated_at"),
        ),
    ),
)
KYC_STEP_LATENCY = Histogram(
    "influencer_kyc_verification_automated_step_latency_seconds",
    "Time of one automated KYC verification step, retries included.",
    labels=(Label("verification_service", limit=5), Label("step_name", limit=10)),
    buckets=API_BUCKETS,
    unit="seconds",
)
KYC_MANUAL_REVIEW_TIME = Histogram(
    "influencer_onboarding_kyc_manual_review_time_seconds",
    "Time from the request for manual KYC review to its decision.",
    buckets=REVIEW_BUCKETS,
    unit="seconds",
    rows=(
        Rows(
            "influencegen.kyc",
            (("state", "in", ("approved", "rejected")), ("verification_type", "=", "manual")),
            value=("review_requested_at", "reviewed_at"),
        ),
    ),
)
CAMPAIGN_APPLICATIONS = Counter(
    "campaign_applications_total",
    "Applications of influencers to campaigns.",
    labels=(CAMPAIGN,),
    rows=(
        Rows("influencegen.application", (), (".campaign_id",)),
        Rows("influencegen.campaign", (), (".id",), starts=True),
    ),
)
CAMPAIGN_CONTENT_SUBMISSIONS = Counter(
    "campaign_content_submissions_total",
    "Content submitted for campaigns.",
    labels=(CAMPAIGN,),
    rows=(
        Rows("influencegen.content", (), (".campaign_id",)),
        Rows("influencegen.campaign", (), (".id",), starts=True),
    ),
)
PAYMENT_ATTEMPTS = Counter(
    "payment_processing_attempts_total",
    "Attempts to pay an influencer; a retry is a new attempt.",
    rows=(Rows("influencegen.payment.attempt"),),
)
PAYMENT_SUCCESS = Counter(
    "payment_processing_success_total",
    "Attempts to pay an influencer that succeeded.",
    rows=(Rows("influencegen.payment.attempt", (("state", "=", "paid"),), at=("finished_at",)),),
)
PAYMENT_FAILURES = Counter(
    "payment_processing_failures_total",
    "Attempts to pay an influencer that failed.",
    rows=(Rows("influencegen.payment.attempt", (("state", "=", "failed"),), at=("finished_at",)),),
)
IMAGE_REQUESTS = Counter(
    "ai_image_generation_requests_total", "AI images requested.", group="fast", rows=(Rows("influencegen.image"),)
)
IMAGE_SUCCESS = Counter(
    "ai_image_generation_success_total",
    "AI images stored.",
    group="fast",
    rows=(Rows("influencegen.image", (("state", "=", "done"),), at=("finished_at",)),),
)
IMAGE_FAILURES = Counter(
    "ai_image_generation_failures_total",
    "AI image requests that ended without an image.",
    labels=(Label("reason", ("failed", "timed_out")),),
    group="fast",
    rows=(Rows("influencegen.image", (("state", "in", ("failed", "timed_out")),), (".state",), at=("finished_at",)),),
)
IMAGE_LATENCY = Histogram(
    "ai_image_generation_end_to_end_latency_seconds",
    "Time from the request of an AI image to the image being stored in Odoo.",
    buckets=AI_END_TO_END_BUCKETS,
    unit="seconds",
    group="fast",
    rows=(
        Rows(
            "influencegen.image",
            (("state", "=", "done"),),
            value=("requested_at", "finished_at"),
            at=("finished_at",),
        ),
    ),
)
IMAGE_COST = Gauge(
    "ai_image_generation_cost_per_image_usd",
    "Average cost of the AI images stored in the last 24 hours.",
    labels=(MODEL,),
    unit="usd",
    rows=(Rows("influencegen.image", (("state", "=", "done"),), (".model_id.code",), "cost_usd", ("finished_at",)),),
    window=86_400,
)
ACTIVE_INFLUENCERS = Gauge(
    "influencer_active",
    "Influencers in state active.",
    rows=(Rows("influencegen.influencer", (("state", "=", "active"),)),),
)
INFLUENCERS = Gauge(
    "influencers",
    "Influencers by state.",
    labels=(Label("state", ("registered", "kyc_pending", "active", "suspended", "rejected")),),
    rows=(Rows("influencegen.influencer", (), (".state",)),),
)
KYC_QUEUE_LENGTH = Gauge(
    "influencer_kyc_queue_length",
    "KYC submissions waiting for verification or manual review.",
    labels=(Label("state", ("submitted", "review")),),
)
KYC_QUEUE_OLDEST_AGE = Gauge(
    "influencer_kyc_queue_oldest_age_seconds",
    "Age of the KYC submission that has waited longest.",
    labels=(Label("state", ("submitted", "review")),),
    unit="seconds",
)
IMAGES_PENDING = Gauge("ai_image_generation_pending", "AI image requests without a final state.")
DAILY_LOGINS = Gauge(
    "user_logins_daily_active_influencers",
    "Distinct users that logged in since midnight UTC.",
    labels=(ROLE,),
    rows=(Rows("res.users.log", (("create_uid", "!=", False),), at=("create_date",), distinct="create_uid"),),
)

BUSINESS = catalogue.section(_ELSEWHERE)
"""The metrics of the business."""
FACTS = tuple(metric for metric in BUSINESS if metric.rows)


class Api(NamedTuple):
    """What is measured of the calls to a service: the time of those that came to an end, and those that failed."""

    latency: Histogram
    errors: Counter


def _api(name, dependency, producer="odoo"):
    return Api(
        Histogram(
            f"api_{name}_latency_seconds",
            f"Duration of one attempt of a call to {dependency}.",
            labels=API_LABELS,
            buckets=API_BUCKETS,
            unit="seconds",
            group="fast",
            producer=producer,
        ),
        Counter(
            f"api_{name}_errors_total",
            f"Failed attempts of calls to {dependency}.",
            labels=API_LABELS,
            group="fast",
            producer=producer,
        ),
    )


N8N_WEBHOOK = _api("odoo_to_n8n_webhook", "the n8n webhook from Odoo")
N8N_AI_SERVICE = _api("n8n_to_aiservice", "the AI image service from n8n", "n8n")
N8N_CALLBACK = _api("n8n_to_odoo_callback", "Odoo's callback from n8n", "n8n")
KYC_SERVICE = _api("external_kyc_service", "the external KYC service")
PAYMENT_PROVIDER = _api("payment_provider", "the payment provider")
CIRCUIT_BREAKER_STATE = Gauge(
    "api_circuit_breaker_state",
    "State of the circuit breaker of a dependency, worst of all workers: 0 closed, 1 half-open, 2 open.",
    labels=(DEPENDENCY,),
    group="fast",
    producer="odoo and n8n",
    merge="max",
)

APIS = catalogue.section((*_ELSEWHERE, *BUSINESS))
"""The metrics of the calls to other services."""

N8N_EXECUTION_ERRORS = Counter(
    "n8n_workflow_execution_errors_total",
    "n8n workflow executions that failed for a reason other than an external service.",
    labels=(
        Label("workflow_name", limit=50),
        Label("node_name", limit=200),
        Label("error_type", ("node_execution_error", "workflow_logic_error")),
    ),
    scope="instance",
    group="fast",
    producer="n8n",
)
N8N_ACTIVE_EXECUTIONS = Gauge(
    "n8n_workflow_active_executions",
    "n8n workflow executions that run, over all n8n workers.",
    scope="instance",
    group="fast",
    producer="n8n",
)
N8N_EXECUTION_QUEUE_LENGTH = Gauge(
    "n8n_workflow_execution_queue_length",
    "n8n workflow executions waiting to run: for a worker in queue mode, otherwise for n8n's concurrency limit.",
    scope="instance",
    group="fast",
    producer="n8n",
)
BACKUP_JOBS = Counter(
    "backup_job_total", "Backup jobs finished.", labels=(BACKUP,), scope="instance", producer="backup"
)
BACKUP_SUCCESS = Counter(
    "backup_job_success_total",
    "Backup jobs finished with a verified backup.",
    labels=(BACKUP,),
    scope="instance",
    producer="backup",
)
BACKUP_DURATION = Gauge(
    "backup_job_duration_seconds",
    "Time that the last backup job took, good or not.",
    labels=(BACKUP,),
    unit="seconds",
    scope="instance",
    producer="backup",
)
BACKUP_SIZE = Gauge(
    "backup_size_bytes",
    "Size of the last verified backup.",
    labels=(BACKUP,),
    unit="bytes",
    scope="instance",
    producer="backup",
)
BACKUP_LAST_SUCCESS = Gauge(
    "backup_last_success_timestamp_seconds",
    "When the last verified backup was finished; 0 if there is none.",
    labels=(BACKUP,),
    unit="seconds",
    scope="instance",
    producer="backup",
)
BACKUP_SCHEDULE = Gauge(
    "backup_schedule_seconds",
    "Time from the beginning of a backup job to that of the next.",
    labels=(BACKUP,),
    unit="seconds",
    scope="instance",
    producer="backup",
)
BACKUP_ATTACHMENTS_ELSEWHERE = Gauge(
    "backup_attachments_elsewhere",
    "Attachments of the last verified backup that are in another store than the filestore.",
    labels=(BACKUP,),
    scope="instance",
    producer="backup",
)
BACKUP_ATTACHMENTS_UNLISTED = Gauge(
    "backup_attachments_unlisted",
    "Attachments of the last verified backup that are in a store not listed under `elsewhere` in backup.yml.",
    labels=(BACKUP,),
    scope="instance",
    producer="backup",
)
BACKUP_SCRATCH_DATABASES = Gauge(
    "backup_scratch_databases",
    "Scratch databases that the last backup job could not drop.",
    labels=(BACKUP,),
    scope="instance",
    producer="backup",
)

OTHER_PRODUCERS = catalogue.section((*_ELSEWHERE, *BUSINESS, *APIS))
"""What other programs expose."""

catalogue.declare_module("influencegen_telemetry", *BUSINESS, *APIS, *OTHER_PRODUCERS)
catalogue.declare_role("admin", "influencegen.group_administrator")
catalogue.declare_role("manager", "influencegen.group_campaign_manager")
catalogue.declare_role("manager", "influencegen.group_kyc_reviewer")
catalogue.declare_role("manager", "influencegen.group_finance")
catalogue.declare_role("influencer", "influencegen.group_influencer", before="portal")
catalogue.declare_interactions("request_image", "register", "submit_document", "apply", "submit_content")
catalogue.declare_threshold("n8n_errors_per_minute", 2, "influencegen_telemetry")
catalogue.declare_span_attributes(
    "gen_ai.operation.name", "gen_ai.output.type", "gen_ai.provider.name", "gen_ai.request.model",
    "influencegen.request_id",
)  # fmt: skip
catalogue.declare_observer("odoo.addons.influencegen_telemetry")
