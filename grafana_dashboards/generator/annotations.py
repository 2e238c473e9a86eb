"""What is marked on the time axis: restarts, which deployments are, and alerts that fire."""

from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from .palette import CRITICAL, PURPLE
from .queries import RECENT, source


class PrometheusAnnotation(AnnotationQuery):
    """An annotation from a query of Prometheus; the SDK knows nothing but its expression."""

    def __init__(self, name: str, expr: str, colour: str, title: str, text: str, tags: str):
        super().__init__(name=name, datasource=source(RECENT), icon_color=colour, expr=expr)
        self.shown = {"titleFormat": title, "textFormat": text, "tagKeys": tags, "step": "60s"}

    def build(self) -> AnnotationQuery:
        """Return itself: it is what a dashboard's builder asks for."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the annotation as Grafana keeps it."""
        return {**super().to_json(), **self.shown}


def deployments() -> PrometheusAnnotation:
    """Return the starts of services; nobody deploys without one.

    A service has started when its oldest process is young. That its age changes is no sign: it also does when the
    service stops, and when one of several processes ends. Prometheus 3 takes a duration for its seconds.
    """
    started = 'namedprocess_namegroup_oldest_start_time_seconds{service_name=~"odoo|n8n|aiservice|postgresql"}'
    return PrometheusAnnotation(
        "Deployments and restarts",
        f"{started} > time() - $__rate_interval",
        PURPLE,
        "{{service_name}} was started",
        "On {{host}}",
        "service_name",
    )


def firing(team: str) -> PrometheusAnnotation:
    """Return the alerts that fire, of a team or, with `.*`, of all."""
    return PrometheusAnnotation(
        "Alerts",
        f'ALERTS{{alertstate="firing", severity=~"warning|critical", team=~"{team}"}}',
        CRITICAL,
        "{{alertname}}",
        "{{severity}}",
        "severity,team",
    )
