"""Alerts about hosts: CPU, memory, disks, network."""

from ..rules import Alert
from .parts import DEVICE, DISK, HOST, ONE, WHOLE, with_critical

_DISK_LABELS = "host, service_name, mount_point"

ALERTS = (
    *with_critical(
        Alert(
            name="HostCpuHigh",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="host_cpu",
            expr="telemetry:system_cpu_utilization:avg_5m > <above_percent>",
            summary="Host CPU utilization above <above_percent>%",
            description=f"The CPU utilization of {HOST} ({{{{ $labels.service_name }}}}) was {ONE}% over the "
            "last 5 minutes; the threshold is <above_percent>%.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="HostCpuCritical",
    ),
    *with_critical(
        Alert(
            name="HostMemoryHigh",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="host_memory",
            expr="telemetry:system_memory_utilization:percent > <above_percent>",
            summary="Host memory utilization above <above_percent>%",
            description=f"{ONE}% of the memory of {HOST} ({{{{ $labels.service_name }}}}) is in use; the "
            "threshold is <above_percent>%.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="HostMemoryCritical",
    ),
    *with_critical(
        Alert(
            name="DiskSpaceLow",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="disk_space",
            expr="telemetry:system_disk_space_used:percent > <above_percent>",
            summary="Disk space used above <above_percent>%",
            description=f"{DISK} is {ONE}% full; the threshold is <above_percent>%.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="DiskSpaceCritical",
    ),
    Alert(
        name="DiskFullSoon",
        severity="warning",
        team="platform",
        subject="hosts",
        expr=f"telemetry:system_disk_space_used:percent > <above_percent> and on ({_DISK_LABELS}) "
        f"min by ({_DISK_LABELS}) (label_replace(predict_linear(node_filesystem_avail_bytes[6h], "
        '<within_hours> * 3600), "mount_point", "$1", "mountpoint", "(.+)")) < 0',
        summary="Disk full within <within_hours> at the current rate",
        description=f"{DISK} is {ONE}% full. At the rate of the last 6 hours, it will be full within <within_hours>.",
        dashboard="odoo-system-health",
        keep_firing_for="30m",
    ),
    *with_critical(
        Alert(
            name="DiskBusy",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="disk_io",
            expr="telemetry:system_disk_io_time:percent_5m > <above_percent>",
            summary="Disk I/O utilization above <above_percent>%",
            description=f"The I/O utilization of {DEVICE} was {ONE}% over the last 5 minutes; the threshold is "
            "<above_percent>%.",
            dashboard="postgresql",
            keep_firing_for="5m",
        ),
        name="DiskSaturated",
    ),
    *with_critical(
        Alert(
            name="NetworkBusy",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="network",
            expr="telemetry:system_network_utilization:percent_5m > <above_percent>",
            summary="Network link utilization above <above_percent>%",
            description=f"The utilization of {DEVICE} was {ONE}% over the last 5 minutes; the threshold is "
            "<above_percent>%.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="NetworkSaturated",
    ),
    Alert(
        name="HostDown",
        severity="critical",
        team="platform",
        subject="hosts",
        expr='up{job="node"} == 0',
        summary="Host is down",
        description=f"{HOST} ({{{{ $labels.service_name }}}}) does not answer scrapes (up is {WHOLE}): the host or "
        "its node_exporter is down.",
        dashboard="odoo-system-health",
    ),
)
