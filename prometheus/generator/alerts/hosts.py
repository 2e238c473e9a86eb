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
            summary="A host's CPUs are busy",
            description=f"The CPUs of {HOST} ({{{{ $labels.service_name }}}}) were {ONE} % busy over the last 5 "
            f"minutes; more "
            f"than <above_percent> % is too much.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="HostCpuCritical",
        summary="A host's CPUs are nearly used up",
    ),
    *with_critical(
        Alert(
            name="HostMemoryHigh",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="host_memory",
            expr="telemetry:system_memory_utilization:percent > <above_percent>",
            summary="A host's memory is filling",
            description=f"{ONE} % of the memory of {HOST} ({{{{ $labels.service_name }}}}) is used; more than "
            f"<above_percent> "
            f"% is too much.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="HostMemoryCritical",
        summary="A host's memory is nearly used up",
    ),
    *with_critical(
        Alert(
            name="DiskSpaceLow",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="disk_space",
            expr="telemetry:system_disk_space_used:percent > <above_percent>",
            summary="A disk is filling",
            description=f"{DISK} is {ONE} % full; more than <above_percent> % is too much.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="DiskSpaceCritical",
        summary="A disk is nearly full",
    ),
    Alert(
        name="DiskFullSoon",
        severity="warning",
        team="platform",
        subject="hosts",
        expr=f"telemetry:system_disk_space_used:percent > <above_percent> and on ({_DISK_LABELS}) "
        f"min by ({_DISK_LABELS}) (label_replace(predict_linear(node_filesystem_avail_bytes[6h], "
        '<within_hours> * 3600), "mount_point", "$1", "mountpoint", "(.+)")) < 0',
        summary="A disk will soon be full",
        description=f"{DISK} is {ONE} % full, and will be full within <within_hours> hours if it goes on filling as it "
        f"did over the last 6.",
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
            summary="A disk is busy",
            description=f"{DEVICE} was busy {ONE} % of the last 5 minutes; more than <above_percent> % is too much.",
            dashboard="postgresql",
            keep_firing_for="5m",
        ),
        name="DiskSaturated",
        summary="A disk has more to do than it can",
    ),
    *with_critical(
        Alert(
            name="NetworkBusy",
            severity="warning",
            team="platform",
            subject="hosts",
            pair="network",
            expr="telemetry:system_network_utilization:percent_5m > <above_percent>",
            summary="A network link is busy",
            description=f"{DEVICE} carried {ONE} % of what it can over the last 5 minutes; more than <above_percent> "
            f"% is too "
            f"much.",
            dashboard="odoo-system-health",
            keep_firing_for="5m",
        ),
        name="NetworkSaturated",
        summary="A network link is nearly used up",
    ),
    Alert(
        name="HostDown",
        severity="critical",
        team="platform",
        subject="hosts",
        expr='up{job="node"} == 0',
        summary="A host does not answer",
        description=f"{HOST} ({{{{ $labels.service_name }}}}) does not answer Prometheus (up is {WHOLE}).",
        dashboard="odoo-system-health",
    ),
)
