"""The recording rules of the platform: of its metrics, calls, n8n and GPUs, over the periods of the specification."""

from influencegen_telemetry.business.specification import SPECIFICATION
from odoo_telemetry.metrics.catalogue import METRICS

from ..promql import both, over_instances, percent, total
from ..rules import Group, Recording
from .series import latency, rates

_RATES = {
    series: requirement.rule.split(":")[1]
    for requirement in SPECIFICATION.values()
    if ":rate_" in requirement.rule
    for series in requirement.series
}
"""The specification's names of rates, by counter; errors of the payment provider, not among them, get the default."""


def files() -> dict[str, list[Group]]:
    """Return the groups of recording rules by name of their file."""
    return {
        "influencegen_recording_api": [
            group
            for metric in METRICS.values()
            if metric.name.startswith("api_") and metric.kind == "histogram"
            for group in (*latency(metric), *_rates(metric.name.replace("latency_seconds", "errors_total")))
        ],
        "influencegen_recording_ai_images": [
            *latency(METRICS["ai_image_generation_end_to_end_latency_seconds"]),
            *_rates("ai_image_generation_requests_total"),
            Group("influencegen-ai-images", _ai_images()),
        ],
        "influencegen_recording_business": [
            *latency(
                METRICS["influencer_kyc_verification_automated_step_latency_seconds"],
                ("verification_service", "step_name"),
            ),
            *(
                group
                for name in (
                    "influencer_registration_attempts_total",
                    "influencer_kyc_submissions_total",
                    "campaign_applications_total",
                    "campaign_content_submissions_total",
                    "payment_processing_attempts_total",
                )
                for group in _rates(name)
            ),
            Group("influencegen-business", _business(), "1m"),
        ],
        "influencegen_recording_n8n": [
            *_rates("n8n_workflow_execution_errors_total"),
            Group(
                "influencegen-n8n",
                [
                    Recording(
                        # in queue mode n8n itself exports the length, even while no worker runs the metrics workflow
                        "influencegen:n8n_workflow_execution_queue_length:max",
                        "max(n8n_scaling_mode_queue_jobs_waiting) or max(n8n_workflow_execution_queue_length)",
                    )
                ],
            ),
        ],
        "influencegen_recording_gpu": [
            Group(
                "influencegen-gpu",
                [
                    Recording(
                        "influencegen:gpu_memory_utilization:percent",
                        "100 * gpu_memory_used_bytes / (gpu_memory_total_bytes > 0)",
                    )
                ],
            )
        ],
    }


def _rates(name: str) -> list[Group]:
    return rates(METRICS[name], _RATES.get(name, ""))


def _ai_images() -> list[Recording]:
    requests = METRICS["ai_image_generation_requests_total"]
    success = METRICS["ai_image_generation_success_total"]
    failures = METRICS["ai_image_generation_failures_total"]
    rules = [Recording("influencegen:ai_image_generation_daily_volume:increase_1d", total("increase", requests, "1d"))]
    for window in ("5m", "1h"):
        succeeded = total("increase", success, window)
        ended = f"influencegen:ai_image_generation_ended:increase_{window}"
        rules += [
            Recording(ended, both(succeeded, total("increase", failures, window))),
            Recording(f"influencegen:ai_image_generation_success_rate:percent_{window}", percent(succeeded, ended)),
        ]
    return rules


def _business() -> list[Recording]:
    attempts = METRICS["influencer_registration_attempts_total"]
    success = METRICS["influencer_registration_success_total"]
    verifications = METRICS["influencer_kyc_verifications_total"]
    paid = total("increase", METRICS["payment_processing_success_total"], "1h")
    failed = total("increase", METRICS["payment_processing_failures_total"], "1h")
    kyc_type = ("verification_type",)
    approved = '{outcome="approved"}'
    review = "influencer_onboarding_kyc_manual_review_time_seconds"
    reviewed, reviews = (f"sum({over_instances(f'rate({review}_{part}[1d])')})" for part in ("sum", "count"))
    return [
        *(
            Recording(
                f"influencegen:influencer_registration_success_rate:percent_{window}",
                percent(total("rate", success, window), total("rate", attempts, window)),
            )
            for window in ("5m", "1h")
        ),
        *(
            Recording(f"influencegen:influencer_onboarding_registrations_per_hour:{name}", expr)
            for name, expr in (
                ("increase_1h", total("increase", attempts, "1h")),
                ("avg_1d", f"{total('increase', attempts, '1d')} / 24"),
            )
        ),
        # Each instance reads the same database
        Recording("influencegen:influencer_active_count_total:max", "sum(max by (database) (influencer_active))"),
        Recording(
            "influencegen:influencer_kyc_verification_success_rate:percent_1h",
            percent(
                total("rate", verifications, "1h", kyc_type, approved), total("rate", verifications, "1h", kyc_type)
            ),
        ),
        Recording("influencegen:influencer_kyc_verifications:increase_1d", total("increase", verifications, "1d")),
        Recording(
            "influencegen:influencer_onboarding_kyc_approval_rate:percent_1d",
            percent(
                total("increase", verifications, "1d", (), approved),
                "influencegen:influencer_kyc_verifications:increase_1d",
            ),
        ),
        Recording(
            "influencegen:influencer_onboarding_kyc_manual_review_time:avg_hours_1d",
            f"{reviewed} / ({reviews} > 0) / 3600",
        ),
        Recording("influencegen:payment_processing_ended:increase_1h", both(paid, failed)),
        Recording(
            "influencegen:payment_processing_success_rate:percent_1h",
            percent(paid, "influencegen:payment_processing_ended:increase_1h"),
        ),
        # Rounded to whole jobs: increase() extrapolates, and 99.9% would be a failure that never was
        Recording(
            "influencegen:system_backup_job_success_rate:percent_24h",
            percent(*(f"round(sum(increase(backup_job_{what}total[24h])))" for what in ("success_", ""))),
        ),
    ]
