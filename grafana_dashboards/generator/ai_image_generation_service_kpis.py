"""AI Image Generation Service KPIs: do people get their images, how fast, and what do they take?"""

from . import variables
from .frame import Page
from .palette import CRITICAL, GOOD
from .panels import NONE, figure, series
from .queries import FAST, LONG_TERM, Query, quantile

_LATENCY = "influencegen:ai_image_generation_end_to_end_latency_seconds"
_DAY = "1d"

_FIRST = (
    figure(
        "Images OK",
        Query("influencegen:ai_image_generation_success_rate:percent_1h", every="60s"),
        "percent",
        spec="ai.image_generation.success_rate",
        says="Of the images that came to an end in the last hour, how many were made. Below the limit: look below "
        "why they fail.",
        empty="No image came to an end in the last hour.",
        decimals=1,
        alerts=("AiImageSuccessRateLow",),
    ),
    figure(
        "1 in 20 takes over",
        Query(f"{_LATENCY}:p95_5m"),
        "s",
        spec="ai.image_generation.end_to_end_latency_seconds (p95)",
        says="From the click to the image in Odoo, over the last 5 minutes. Above the limit: the dashboard of the "
        "calls tells which step takes it.",
        empty="No image was made in the last 5 minutes.",
        decimals=1,
        alerts=("AiImageGenerationP95High",),
        more={"Each step": "n8n-ai-integration-performance"},
    ),
    figure(
        "Images that wait",
        Query("sum(max by (database) (ai_image_generation_pending))", every=FAST),
        "none",
        spec="not in it; what is between ai.image_generation.request_rate and its end",
        says="Images that were asked for and are neither made nor given up. Many: the AI service is slower than "
        "people ask, or n8n stands still.",
        empty="Odoo is not scraped: look at the telemetry dashboard.",
        alerts=("AiImagesPending",),
        words=NONE,
    ),
    figure(
        "Images (24 h)",
        Query("influencegen:ai_image_generation_daily_volume:increase_1d"),
        "none",
        spec="ai.image_generation.daily_volume",
        says="Images that were asked for. Outside of what was planned: more need more GPUs, fewer may mean that "
        "people can't ask.",
        empty="No image was asked for since counting began.",
        decimals=0,
        alerts=("AiImageVolumeLow", "AiImageVolumeHigh"),
    ),
    figure(
        "Cost of an image",
        Query("avg(max by (database, model) (ai_image_generation_cost_per_image_usd))"),
        "currencyUSD",
        spec="ai.image_generation.cost_per_image_usd",
        says="What an image of the last 24 hours cost on average, over all models.",
        empty="No image of the last 24 hours has a cost.",
        decimals=4,
    ),
    figure(
        "Missing GPUs",
        Query("count(gpu_up == 0) or 0 * max(gpu_up)"),
        "none",
        spec="not in it; without a GPU there is no gpu.utilization",
        says="GPUs that can't be used, or whose driver does not answer.",
        empty="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuMissing",),
        words=NONE,
    ),
)

_PEOPLE = (
    series(
        "How long do people wait for an image?",
        [
            Query(f"{_LATENCY}:p95_5m", "one in twenty takes longer"),
            Query(f"{_LATENCY}:p90_5m", "one in ten takes longer"),
            Query(
                quantile(0.5, "ai_image_generation_end_to_end_latency_seconds", in_database=True),
                "half take longer",
                FAST,
                exemplars=True,
            ),
        ],
        "s",
        width=12,
        spec="ai.image_generation.end_to_end_latency_seconds (p95, p90)",
        says="From the click to the image in Odoo, over 5 minutes. The limits are of p90 and p95. The diamonds are "
        "single images: each leads to its trace, which tells where the time went.",
        empty="No image was made in this time.",
        alerts=("AiImageGenerationP90High", "AiImageGenerationP95High"),
        more={"Each step": "n8n-ai-integration-performance"},
    ),
    series(
        "How many images are asked for?",
        [
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1m", "a minute, over the last minute"),
            Query("60 * influencegen:ai_image_generation_request_rate:rate_1h", "a minute, over the last hour"),
        ],
        "none",
        width=12,
        spec="ai.image_generation.request_rate",
        says="Images a minute. A sudden fall is as telling as a rise: people may not be able to ask.",
        empty="No image was asked for since counting began.",
    ),
    series(
        "Do people get their images?",
        [
            Query("influencegen:ai_image_generation_success_rate:percent_1h", "of the last hour", "60s"),
            Query("influencegen:ai_image_generation_success_rate:percent_5m", "of the last 5 minutes"),
        ],
        "percent",
        width=12,
        spec="ai.image_generation.success_rate",
        says="Of the images that came to an end, how many were made.",
        empty="No image came to an end in this time.",
        alerts=("AiImageSuccessRateLow",),
    ),
    series(
        "What becomes of images?",
        [
            Query(
                "sum(max without (instance) (increase(ai_image_generation_success_total[$__rate_interval])))",
                "made",
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
        spec="ai.image_generation.success_rate, what it is made of",
        says="Images that came to an end in each step of time, and those that did not, by why: `failed` was given up "
        "after all tries, `timed_out` was not answered in time.",
        empty="No image came to an end in this time.",
        runbooks=("AiImageSuccessRateLow", "AiImagesPending"),
    ),
)

_GPUS = (
    series(
        "Are the GPUs busy?",
        [Query('avg_over_time(gpu_utilization_percent{host=~"$host"}[5m])', "GPU {{gpu}} of {{host}}", "30s")],
        "percent",
        spec="gpu.utilization (AI hosts)",
        says="Over 5 minutes. Busy all the time: more images are asked for than these GPUs can make.",
        empty="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuBusy", "GpuSaturated"),
    ),
    series(
        "Is there memory left on the GPUs?",
        [Query('influencegen:gpu_memory_utilization:percent{host=~"$host"}', "GPU {{gpu}} of {{host}}")],
        "percent",
        spec="gpu.memory.utilization (AI hosts)",
        says="Near the upper limit the next larger image fails: fewer at once, or smaller models.",
        empty="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuMemoryHigh", "GpuMemoryCritical"),
    ),
    series(
        "Are the GPUs hot?",
        [Query('gpu_temperature_celsius{host=~"$host"}', "GPU {{gpu}} of {{host}}", "30s")],
        "celsius",
        spec="not in it; a hot GPU slows itself down",
        says="Above the limit: look at the fans and at the room. A GPU that is hot makes errors too.",
        empty="There is no GPU exporter, or it is not scraped.",
        alerts=("GpuHot",),
        runbooks=("GpuErrors",),
    ),
)

_MONTHS = (
    series(
        "How many images a day?",
        [
            Query(
                "sum(sum_over_time(tier:ai_image_generation_success:increase[$__interval]))",
                "made",
                _DAY,
                GOOD,
                source=LONG_TERM,
            ),
            Query(
                "sum(sum_over_time(tier:ai_image_generation_failures:increase[$__interval]))",
                "not made",
                _DAY,
                CRITICAL,
                source=LONG_TERM,
            ),
        ],
        "none",
        width=12,
        stacked=True,
        since="90d",
        step=_DAY,
        spec="ai.image_generation.daily_volume",
        says="Each bar is a day. It shows 90 days whatever time the page shows.",
        empty="A day is shown when it is over, and the first is not.",
    ),
    series(
        "Did people wait longer than before?",
        [
            Query(
                "histogram_quantile(0.95, sum by (le) (sum_over_time("
                "tier:ai_image_generation_end_to_end_latency_seconds_bucket:increase[$__interval]))) >= 0",
                "one in twenty took longer",
                _DAY,
                source=LONG_TERM,
            ),
        ],
        "s",
        width=12,
        since="90d",
        step=_DAY,
        spec="ai.image_generation.end_to_end_latency_seconds (p95)",
        says="By day, over 90 days whatever time the page shows.",
        empty="A day is shown when it is over, and the first is not.",
        alerts=("AiImageGenerationP95High",),
    ),
)

PAGE = Page(
    uid="ai-image-generation-service-kpis",
    title="AI Image Generation Service KPIs",
    audience="Platform Administrators, Business Stakeholders",
    answers="Do people get their images, how fast, and do the GPUs keep up?",
    refresh="1m",
    shows="6h",
    team="integration",
    choices=(variables.long_term, variables.gpu_host),
    rows={
        "Is it all right?": _FIRST,
        "What do people get?": _PEOPLE,
        "Do the GPUs keep up?": _GPUS,
        "How has it become over the last 90 days?": _MONTHS,
    },
)
