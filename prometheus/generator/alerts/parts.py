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


def age(known: str, never: str) -> str:
    """Return the text `known` about an age, and `never` where there is none yet: its timestamp is 0, which is 1970."""
    return f"{{{{ if gt $value 1e9 }}}}{never}{{{{ else }}}}{known}{{{{ end }}}}"


def unhealthy(service: str, effect: str) -> str:
    """Return the text about a service that fails its health check, and what that means for users."""
    return f"{service} fails its health check (probe_success is {{{{ $value }}}}): {effect}."


def with_critical(warning: Alert, *, name: str) -> tuple[Alert, Alert]:
    """Return a warning, which has a `pair`, and the critical alert about the same condition."""
    return warning, replace(warning, name=name, severity="critical")


def threshold(name: str, label: str = "") -> str:
    """Return the expression of a threshold that administrators set in Odoo: the lowest of each value of `label`."""
    by = f" by ({label})" if label else ""
    return f'min{by} (odoo_telemetry_threshold{{name="{name}"}})'


def limit(name: str) -> str:
    """Return the words for a threshold that administrators set in Odoo, and the query for it."""
    return f'the limit (Odoo: Settings, Telemetry; PromQL: `odoo_telemetry_threshold{{name="{name}"}}`)'
