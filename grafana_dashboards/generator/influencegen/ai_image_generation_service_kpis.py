"""AI Image Generation Service KPIs: do people get their images, how fast, and do the GPUs keep up?"""

from .. import variables
from ..frame import Page
from ..palette import CRITICAL, GOOD
from ..panels import NONE, stat, time_series
from ..queries import FAST, LONG_TERM, Query, quantile
from . import SERVICES

_LATENCY = "influencegen:ai_image_generation_end_to_end_latency_seconds"
_DAY = "1d"

_OVERVIEW = (
    stat(
        "Success rate (1 h)",
        Query("influencegen:ai_image_generation_success_rate:percent_1h", interval="60s"),
        "percent",
        spec="ai.image_generation.success_rate",
        description="Share of the images that ended in the last hour which succeeded. Below the threshold: see "
        "Images by outcome.",
        no_value="No image ended in the last hour.",
        decimals=1,
        alerts=("AiImageSuccessRateLow",),
    ),
    stat(
        "Latency p95",
        Query(f"{_LATENCY}:p95_5m"),
        "s",
        spec="ai.image_generation.end_to_end_latency_seconds (p95)",
        description="From the click to the image in Odoo, over the last 5 minutes. Above the threshold: the dashboard "
        "of the calls has the latency of each stage.",
        no_value="No image was made in the last 5 minutes.",
        decimals=1,
        alerts=("AiImageGenerationP95High",),
        links={"Calls by stage": "n8n-ai-integration-performance"},
    ),
    stat(
        "Pending images",
        Query("sum(max by (database) (ai_image_generation_pending))", interval=FAST),
        "none",
        spec="not in it; the difference of ai.image_generation.request_rate and what has ended",
        description="Requested images that have neither succeeded nor failed. Many: the AI service is slower than the "
        "requests, or n8n does not run.",
        no_value="Odoo is not scraped: see the dashboard Telemetry Self-Health.",
        alerts=("AiImagesPending",),
        mappings=NONE,
    ),
    stat(
        "Requests (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d"),
        "none",
        spec="ai.image_generation.daily_volume",
        description="Requested images. Above the plan, more GPUs are needed; below it, people may be unable to request "
        "any.",
        no_value="No image was requested yet.",
        decimals=0,
        alerts=("AiImageVolumeLow", "AiImageVolumeHigh"),
    ),
    stat(
        "Cost per image",
        Query("avg(max by (database, model) (ai_image_generation_cost_per_image_usd))"),
        "currencyUSD",
        spec="ai.image_generation.cost_per_image_usd",
        description="Mean cost of an image of the last 24 hours, over all models.",
        no_value="No image of the last 24 hours has a cost.",
        decimals=4,
    ),
    stat(
        "Missing GPUs",
        Query("count(gpu_up == 0) or 0 * max(gpu_up)"),
        "none",
        spec="not in it; a missing GPU has no gpu.utilization",
        description="GPUs that can't be used, or whose driver does not respond.",
        no_value="There is no GPU exporter, or it is not scraped.",
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
                quantile(0.5, "ai_image_generation_end_to_end_latency_seconds", in_database=True),
                "p50",
                FAST,
                exemplars=True,
            ),
        ],
        "s",
        width=12,
        spec="ai.image_generation.end_to_end_latency_seconds (p95, p90)",
        description="From the click to the image in Odoo, over 5 minutes. The thresholds are of p90 and p95. Each "
        "diamond is a single image and links to its trace.",
        no_value="No image was made in this time.",
        alerts=("AiImageGenerationP90High", "AiImageGenerationP95High"),
        links={"Calls by stage": "n8n-ai-integration-performance"},
    ),
    time_series(
        "Request rate",
        [
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1m", "per minute (1 m)"),
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1h", "per minute (1 h)"),
        ],
        "none",
        width=12,
        spec="ai.image_generation.request_rate",
        description="Requested images per minute. After a sudden fall, check that people can request images.",
        no_value="No image was requested yet.",
    ),
    time_series(
        "Success rate",
        [
            Query("influencegen:ai_image_generation_success_rate:percent_1h", "1 h", "60s"),
            Query("influencegen:ai_image_generation_success_rate:percent_5m", "5 m"),
        ],
        "percent",
        width=12,
        spec="ai.image_generation.success_rate",
        description="Share of the images that ended which succeeded.",
        no_value="No image ended in this time.",
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
            Query(
                "sum by (reason) (max without (instance) "
                "(increase(ai_image_generation_failures_total[$__rate_interval])))",
                "{{reason}}",
                FAST,
                CRITICAL,
            ),
        ],
        "none",
        width=12,
        stacked=True,
        spec="ai.image_generation.success_rate, its parts",
        description="Images that ended in each step of time, failed ones by reason: `failed` after all attempts, "
        "`timed_out` without a response in time.",
        no_value="No image ended in this time.",
        runbooks=("AiImageSuccessRateLow", "AiImagesPending"),
    ),
)

_GPUS = (
    time_series(
        "GPU utilization",
        [Query('avg_over_time(gpu_utilization_percent{host=~"$host"}[5m])', "GPU {{gpu}} of {{host}}", "30s")],
        "percent",
        spec="gpu.utilization (AI hosts)",
        description="Over 5 minutes. Permanently above the threshold: more images are requested than these GPUs can "
        "make.",
        no_value="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuBusy", "GpuSaturated"),
    ),
    time_series(
        "GPU memory utilization",
        [Query('influencegen:gpu_memory_utilization:percent{host=~"$host"}', "GPU {{gpu}} of {{host}}")],
        "percent",
        spec="gpu.memory.utilization (AI hosts)",
        description="Near 100% the next larger image fails: make fewer at once, or use smaller models.",
        no_value="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuMemoryHigh", "GpuMemoryCritical"),
    ),
    time_series(
        "GPU temperature",
        [Query('gpu_temperature_celsius{host=~"$host"}', "GPU {{gpu}} of {{host}}", "30s")],
        "celsius",
        spec="not in it; a hot GPU lowers its own clock",
        description="Above the threshold: check the fans and the temperature of the room. A hot GPU also returns "
        "errors.",
        no_value="There is no GPU exporter, or it is not scraped.",
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
        description="One bar per day, over 90 days whatever the time range of the page.",
        no_value="A day is shown when it is complete, and the first is not yet.",
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
        description="By day, over 90 days whatever the time range of the page.",
        no_value="A day is shown when it is complete, and the first is not yet.",
        alerts=("AiImageGenerationP95High",),
    ),
)

PAGE = Page(
    uid="ai-image-generation-service-kpis",
    title="AI Image Generation Service KPIs",
    audience="Platform Administrators, Business Stakeholders",
    summary="Do people get their images, how fast, and do the GPUs keep up?",
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
