"""Alerts about GPUs."""

from ..rules import Alert
from .parts import HOST, ONE, WHOLE, with_critical

_GPU = "GPU {{ $labels.gpu }} of {{ $labels.host }}"

ALERTS = (
    *with_critical(
        Alert(
            name="GpuBusy",
            severity="warning",
            team="integration",
            subject="gpu",
            pair="gpu",
            expr="avg_over_time(gpu_utilization_percent[5m]) > <above_percent>",
            summary="GPU utilization above <above_percent>%",
            description=f"The utilization of {_GPU} was {ONE}% over the last 5 minutes; the threshold is "
            "<above_percent>%.",
            dashboard="ai-image-generation-service-kpis",
            keep_firing_for="5m",
        ),
        name="GpuSaturated",
    ),
    *with_critical(
        Alert(
            name="GpuMemoryHigh",
            severity="warning",
            team="integration",
            subject="gpu",
            pair="gpu_memory",
            expr="influencegen:gpu_memory_utilization:percent > <above_percent>",
            summary="GPU memory utilization above <above_percent>%",
            description=f"{ONE}% of the memory of {_GPU} is in use; the threshold is <above_percent>%.",
            dashboard="ai-image-generation-service-kpis",
            keep_firing_for="5m",
        ),
        name="GpuMemoryCritical",
    ),
    Alert(
        name="GpuMissing",
        severity="critical",
        team="integration",
        subject="gpu",
        expr="gpu_up == 0",
        summary="GPU does not respond",
        description=f"A GPU of {HOST} does not respond (gpu_up is {WHOLE}): the card, its driver or the driver's "
        "library has failed. AI images may fail.",
        dashboard="ai-image-generation-service-kpis",
    ),
    Alert(
        name="GpuErrors",
        severity="warning",
        team="integration",
        subject="gpu",
        expr="sum by (host, gpu) (increase(gpu_xid_errors_total[1h])) > <above> "
        'or sum by (host, gpu) (increase(gpu_ecc_errors_total{error_type="uncorrected"}[1h])) > <above>',
        summary="GPU reports errors",
        description=f"{_GPU} reported {WHOLE} XID or uncorrected ECC errors in the last hour.",
        dashboard="ai-image-generation-service-kpis",
    ),
    Alert(
        name="GpuHot",
        severity="warning",
        team="integration",
        subject="gpu",
        expr="gpu_temperature_celsius > <above_celsius>",
        summary="GPU temperature above <above_celsius> °C",
        description=f"The temperature of {_GPU} is {WHOLE} °C; the threshold is <above_celsius> °C.",
        dashboard="ai-image-generation-service-kpis",
        keep_firing_for="5m",
    ),
)
