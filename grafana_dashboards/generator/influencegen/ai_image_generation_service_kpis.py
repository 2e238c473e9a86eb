"""AI Image Generation Service KPIs: success rate, latency and cost of AI images, and saturation of the GPUs."""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD, ORANGE
from ..panels import NONE, stat, time_series
from ..queries import FAST, LONG_TERM, Query, quantile
from . import SERVICES

_LATENCY = "influencegen:ai_image_generation_end_to_end_latency_seconds"
_HISTOGRAM = "ai_image_generation_end_to_end_latency_seconds"
_DAY = "1d"
_NO_DAY = "No complete day yet: the first appears after midnight UTC."
_LAST_90_DAYS = "Last 90 days; ignores the dashboard time range."
_NO_GPU = "No data from a GPU exporter: see Telemetry Self-Health, Targets down."


def _failed(reason: str, colour: str) -> Query:
    failures = f'ai_image_generation_failures_total{{reason="{reason}"}}'
    return Query(f"sum(max without (instance) (increase({failures}[$__rate_interval])))", reason, FAST, colour)


_OVERVIEW = (
    stat(
        "Success rate (1 h)",
        Query("influencegen:ai_image_generation_success_rate:percent_1h", interval="60s"),
        "percent",
        spec="ai.image_generation.success_rate",
        description="Share of the images completed in the last hour that succeeded. Below the threshold: see Images by "
        "outcome.",
        no_value="No images completed in the last hour.",
        decimals=1,
        alerts=("AiImageSuccessRateLow",),
    ),
    stat(
        "Latency p95 (5 m)",
        Query(f"{_LATENCY}:p95_5m"),
        "s",
        spec="ai.image_generation.end_to_end_latency_seconds (p95)",
        description="Time from the request to the image in Odoo, over the last 5 minutes. Above the threshold: see the "
        "latency of each stage on the dashboard N8N AI Integration Performance.",
        no_value="No images completed in the last 5 minutes.",
        decimals=1,
        alerts=("AiImageGenerationP95High",),
        links={"Calls by stage": "n8n-ai-integration-performance"},
    ),
    stat(
        "Pending images",
        Query("sum(max by (database) (ai_image_generation_pending))", interval=FAST),
        "none",
        description="Requested images that have neither succeeded nor failed. If many: images are requested faster "
        "than the AI service generates them, or n8n is not running.",
        no_value="No data from Odoo: see Telemetry Self-Health, Targets down.",
        alerts=("AiImagesPending",),
        mappings=NONE,
    ),
    stat(
        "Requests (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d"),
        "none",
        spec="ai.image_generation.daily_volume",
        description="Images requested in the last 24 hours. Above the upper threshold more GPUs are needed; below the "
        "lower one, people may be unable to request images.",
        no_value="No images requested yet.",
        decimals=0,
        alerts=("AiImageVolumeLow", "AiImageVolumeHigh"),
    ),
    stat(
        "Cost per image",
        Query("avg(max by (database, model) (ai_image_generation_cost_per_image_usd))"),
        "currencyUSD",
        spec="ai.image_generation.cost_per_image_usd",
        description="Mean cost of an image in the last 24 hours, averaged over the models.",
        no_value="No images with a cost in the last 24 hours.",
        decimals=4,
    ),
    stat(
        "Missing GPUs",
        Query("count(gpu_up == 0) or 0 * max(gpu_up)"),
        "none",
        description="GPUs that can't be used, or whose driver does not respond, on all hosts.",
        no_value=_NO_GPU,
        alerts=("GpuMissing",),
        mappings=NONE,
    ),
)

_EXPERIENCE = (
    time_series(
        "End-to-end latency",
        [
            Query(f"{_LATENCY}:p95_5m", "p95"),
            Query(f"{_LATENCY}:p90_5m", "p90"),
            Query(
                quantile(0.5, _HISTOGRAM, window="5m", in_database=True),
                "p50",
                FAST,
                exemplars=True,
            ),
        ],
        "s",
        width=12,
        spec="ai.image_generation.end_to_end_latency_seconds (p95, p90)",
        description="Time from the request to the image in Odoo, over 5 minutes. The thresholds apply to p90 and p95. "
        "Each diamond is a single image and links to its trace.",
        no_value="No images completed in the selected time range.",
        alerts=("AiImageGenerationP90High", "AiImageGenerationP95High"),
        links={"Calls by stage": "n8n-ai-integration-performance"},
    ),
    time_series(
        "Requests per minute",
        [
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1m", "1 m"),
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1h", "1 h"),
        ],
        "none",
        width=12,
        spec="ai.image_generation.request_rate",
        description="Requested images per minute, on average over 1 m and 1 h. After a sudden fall, check that people "
        "can request images.",
        no_value="No images requested yet.",
    ),
    time_series(
        "Success rate",
        [
            Query("influencegen:ai_image_generation_success_rate:percent_1h", "1 h", "60s"),
            Query("influencegen:ai_image_generation_success_rate:percent_5m", "5 m"),
        ],
        "percent",
        width=12,
        maximum=100,
        spec="ai.image_generation.success_rate",
        description="Share of the completed images that succeeded, over 1 h and 5 m. The threshold applies to 1 h.",
        no_value="No images completed in the selected time range.",
        alerts=("AiImageSuccessRateLow",),
    ),
    time_series(
        "Images by outcome",
        [
            Query(
                "sum(max without (instance) (increase(ai_image_generation_success_total[$__rate_interval])))",
                "succeeded",
                FAST,
                GOOD,
            ),
            _failed("failed", CRITICAL),
            _failed("timed_out", ORANGE),
        ],
        "none",
        width=12,
        stacked=True,
        spec="ai.image_generation.success_rate",
        description="Completed images per interval; failures by reason: `failed` after all attempts, `timed_out` "
        "without a response in time.",
        no_value="No images completed in the selected time range.",
        runbooks=("AiImageSuccessRateLow", "AiImagesPending"),
    ),
)

_GPUS = (
    time_series(
        "GPU utilization",
        [Query('avg_over_time(gpu_utilization_percent{host=~"$host"}[5m])', "{{host}} GPU {{gpu}}", "30s")],
        "percent",
        maximum=100,
        spec="gpu.utilization (AI hosts)",
        description="Over 5 minutes. Permanently above the threshold: more images are requested than these GPUs can "
        "generate.",
        no_value=_NO_GPU,
        alerts=("GpuBusy", "GpuSaturated"),
    ),
    time_series(
        "GPU memory utilization",
        [Query('influencegen:gpu_memory_utilization:percent{host=~"$host"}', "{{host}} GPU {{gpu}}")],
        "percent",
        maximum=100,
        spec="gpu.memory.utilization (AI hosts)",
        description="Near 100% the next larger image fails: generate fewer at once, or use smaller models.",
        no_value=_NO_GPU,
        alerts=("GpuMemoryHigh", "GpuMemoryCritical"),
    ),
    time_series(
        "GPU temperature",
        [Query('gpu_temperature_celsius{host=~"$host"}', "{{host}} GPU {{gpu}}", "30s")],
        "celsius",
        description="Above the threshold: check the fans and the air conditioning. A hot GPU lowers its clock, and can "
        "return errors.",
        no_value=_NO_GPU,
        alerts=("GpuHot",),
        runbooks=("GpuErrors",),
    ),
)

_TREND = (
    time_series(
        "Images per day",
        [
            Query(
                "sum(sum_over_time(tier:ai_image_generation_success:increase[$__interval]))",
                "succeeded",
                _DAY,
                GOOD,
                source=LONG_TERM,
            ),
            Query(
                "sum(sum_over_time(tier:ai_image_generation_failures:increase[$__interval]))",
                "failed",
                _DAY,
                CRITICAL,
                source=LONG_TERM,
            ),
        ],
        "none",
        width=12,
        stacked=True,
        last="90d",
        step=_DAY,
        spec="ai.image_generation.daily_volume",
        description=f"Images that succeeded and failed, one bar per day. {_LAST_90_DAYS}",
        no_value=_NO_DAY,
    ),
    time_series(
        "End-to-end latency per day",
        [
            Query(
                "histogram_quantile(0.95, sum by (le) (sum_over_time("
                "tier:ai_image_generation_end_to_end_latency_seconds_bucket:increase[$__interval]))) >= 0",
                "p95",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "s",
        width=12,
        last="90d",
        step=_DAY,
        spec="ai.image_generation.end_to_end_latency_seconds (p95)",
        description=f"p95 of each day. {_LAST_90_DAYS}",
        no_value=_NO_DAY,
        alerts=("AiImageGenerationP95High",),
    ),
)

PAGE = Page(
    uid="ai-image-generation-service-kpis",
    title="AI Image Generation Service KPIs",
    audience="Platform Administrators, Business Stakeholders",
    summary="Success rate, latency and cost of AI images, and saturation of the GPUs.",
    refresh="1m",
    time_range="6h",
    team="integration",
    services=SERVICES,
    variables=(variables.long_term, variables.gpu_host),
    rows={
        "Overview": _OVERVIEW,
        "User experience": _EXPERIENCE,
        "GPUs": _GPUS,
        "90-day trend": _TREND,
    },
)
