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
        summary="AI images take too long",
        description=f"One AI image in twenty took longer than {DURATION} over the last 5 minutes; the target is "
        f"<above_seconds> s.",
        dashboard="ai-image-generation-service-kpis",
    ),
    Alert(
        name="AiImageGenerationP90High",
        severity="warning",
        team="integration",
        subject="ai_images",
        tile="images",
        expr="influencegen:ai_image_generation_end_to_end_latency_seconds:p90_5m > <above_seconds>",
        summary="Many AI images take too long",
        description=f"One AI image in ten took longer than {DURATION} over the last 5 minutes; the target is "
        f"<above_seconds> s.",
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
        summary="AI images fail",
        description=f"{ONE} % of the AI images of the last hour were made; less than <below_percent> % is too few.",
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
        summary="AI images pile up",
        description=f"{WHOLE} AI images wait to be made, and they become more; more than <above> are too many.",
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
        summary="More AI images than planned",
        description=f"{WHOLE} AI images were asked for in the last 24 hours; more than <above_per_day> were not "
        f"planned for.",
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
        summary="Fewer AI images than planned",
        description=f"{WHOLE} AI images were asked for in the last 24 hours; at least <below_per_day> were planned "
        f"for.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="1h",
    ),
)
