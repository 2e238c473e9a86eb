"""What declarations of alerts have in common: parts of their texts, and pairs of a warning and a critical alert."""

from dataclasses import replace

from ..rules import Alert

ONE = '{{ $value | printf "%.1f" }}'
WHOLE = '{{ $value | printf "%.0f" }}'
DURATION = "{{ $value | humanizeDuration }}"
HOST = "{{ $labels.host }}"
DISK = "{{ $labels.mount_point }} on {{ $labels.host }}"
DEVICE = "{{ $labels.device }} of {{ $labels.host }}"
SERVER = "{{ $labels.db_instance }}"
DATABASE = "{{ $labels.database }}"
INSTANCE = "{{ $labels.instance }}"
PROBE = "It did not answer the probe of its health (probe_success is {{ $value }})."


def with_critical(warning: Alert, *, name: str) -> tuple[Alert, Alert]:
    """Return a warning, which has a `pair`, and the critical alert about the same condition."""
    return warning, replace(warning, name=name, severity="critical")


def threshold(name: str, label: str = "") -> str:
    """Return the expression of a threshold that administrators set in Odoo: the lowest of each value of `label`."""
    by = f" by ({label})" if label else ""
    return f'min{by} (odoo_telemetry_threshold{{name="{name}"}})'
