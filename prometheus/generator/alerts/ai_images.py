"""Alerts about AI images."""

from ..rules import Alert
from .parts import DURATION, ONE, WHOLE

ALERTS = (
    Alert(
        name="AiImageGenerationP95High",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_end_to_end_latency_seconds:p95_5m > <above_seconds>",
        summary="p95 latency of AI images above <above_seconds>",
        description=f"The p95 latency of AI images was {DURATION} over the last 5 minutes; the threshold is "
        "<above_seconds>.",
        dashboard="ai-image-generation-service-kpis",
    ),
    Alert(
        name="AiImageGenerationP90High",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_end_to_end_latency_seconds:p90_5m > <above_seconds>",
        summary="p90 latency of AI images above <above_seconds>",
        description=f"The p90 latency of AI images was {DURATION} over the last 5 minutes; the threshold is "
        "<above_seconds>.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="5m",
    ),
    Alert(
        name="AiImageSuccessRateLow",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_success_rate:percent_1h < <below_percent> and on () "
        "influencegen:ai_image_generation_ended:increase_1h >= <minimum_images>",
        summary="AI image success rate below <below_percent>%",
        description=f"{ONE}% of the AI image requests that ended in the last hour succeeded; the threshold is "
        "<below_percent>%.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="15m",
    ),
    Alert(
        name="AiImagesPending",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="sum(max by (database) (ai_image_generation_pending)) > <above> and on () "
        "sum(max by (database) (delta(ai_image_generation_pending[30m]))) > 0",
        summary="More than <above> AI images pending, and growing",
        description=f"{WHOLE} AI images are pending, and the number is growing; the threshold is <above>.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="10m",
    ),
    Alert(
        name="AiImageVolumeHigh",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_daily_volume:increase_1d > <above_per_day>",
        summary="More than <above_per_day> AI images requested in 24 hours",
        description=f"{WHOLE} AI images were requested in the last 24 hours; the threshold is <above_per_day>.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="1h",
    ),
    Alert(
        name="AiImageVolumeLow",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_daily_volume:increase_1d < <below_per_day> and "
        "influencegen:ai_image_generation_daily_volume:increase_1d offset 1d > 0",
        summary="Fewer than <below_per_day> AI images requested in 24 hours",
        description=f"{WHOLE} AI images were requested in the last 24 hours; the threshold is <below_per_day>.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="1h",
    ),
)
