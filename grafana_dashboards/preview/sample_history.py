"""Sample history for a system that is minutes old: ninety days of hours.

Panels over months have something to show then: in tests, and in pictures.
"""

import math
import random
import time
from collections.abc import Iterator

import requests

from influencegen_telemetry.business.metrics import BUSINESS
from stack.layout import Layout

DAYS = 90
_OBJECTIVES = {"webhook": 45, "callback": 45, "aiservice": 50, "platform": 180, "image_latency": 40, "kyc": 6}
# The newest hour of the history: increases at a busy time, and values of gauges.
_HOUR = [
    ("influencer_registration_attempts:increase", {}, 7),
    ("influencer_registration_success:increase", {}, 5),
    ("influencer_kyc_verifications:increase", {"outcome": "approved"}, 4),
    ("campaign_applications:increase", {"campaign_id": "1"}, 12),
    ("payment_processing_success:increase", {}, 8),
    ("payment_processing_failures:increase", {}, 0.4),
    ("ai_image_generation_success:increase", {}, 40),
    ("ai_image_generation_failures:increase", {"reason": "failed"}, 0.9),
    *(("slo_events:increase", {"slo": name}, events) for name, events in _OBJECTIVES.items()),
    *(("slo_failed:increase", {"slo": name}, 0) for name in _OBJECTIVES),
    ("influencer_active:avg", {}, 2400),
    ("user_logins_daily_active_influencers:avg", {"user_role": "influencer"}, 700),
    ("system_availability:avg", {}, 100),
]
_LATENCY = "ai_image_generation_end_to_end_latency_seconds"
_USUAL_LATENCY_SECONDS = 8
[_LATENCY_BUCKETS] = [metric.buckets for metric in BUSINESS if metric.name == _LATENCY]


def write(layout: Layout) -> None:
    """Write sample history into the 1-hour tier of the system of that layout.

    :raises requests.RequestException: if it can't be written

    Nothing deletes it but `make clean`.
    """
    requests.post(
        layout.url("victoria_1h", "/api/v1/import/prometheus"), timeout=120, data="\n".join(months())
    ).raise_for_status()


def months() -> Iterator[str]:
    """Yield the lines of ninety days of hours, in Prometheus' text format, up to the last full hour."""
    chance = random.Random(DAYS)
    end = int(time.time() // 3600 * 3600)
    for hours in range(24 * DAYS):
        moment = end - 3600 * hours
        growth = 1 - 0.6 * hours / 24 / DAYS
        bustle = _bustle(moment)
        for series, labels, amount in _HOUR:
            if series == "system_availability:avg":
                value = amount - (chance.random() < 0.01) * chance.random()
            elif series.startswith("user_logins_daily"):
                value = amount * growth * bustle * (moment % 86400 / 86400)
            elif series == "slo_failed:increase":
                value = int(chance.random() < 0.01)
            elif series.endswith(":avg"):
                value = amount * growth
            else:
                value = round(amount * growth * bustle * chance.uniform(0.7, 1.3) + chance.random() / 2)
            yield _line(series, labels, value, moment)
        images, slowness = round(40 * growth * bustle), _USUAL_LATENCY_SECONDS * chance.uniform(0.8, 1.25)
        for bound in (*_LATENCY_BUCKETS, math.inf):
            within = round(images * (1 - math.exp(-((bound / slowness) ** 1.6))))
            yield _line(f"{_LATENCY}_bucket:increase", {"le": str(float(bound)).replace("inf", "+Inf")}, within, moment)


def _bustle(moment: int) -> float:
    """Return how busy an hour is, from 0 to 1: little at night, and at weekends."""
    day, hour = moment // 86400, moment % 86400 / 3600
    # 1970 began on a Thursday
    weekend = (day + 3) % 7 >= 5
    return (0.5 if weekend else 1.0) * (0.55 - 0.45 * math.cos(2 * math.pi * (hour - 3) / 24))


def _line(series: str, labels: dict[str, str], value: float, moment: int) -> str:
    within = ",".join(f'{name}="{label}"' for name, label in labels.items())
    return f"tier:{series}{{{within}}} {value} {moment * 1000}"
