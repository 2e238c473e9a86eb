"""Events on the time axis: starts of services, and firing alerts."""

from collections.abc import Iterable

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import AnnotationQuery

from .palette import CRITICAL, PURPLE
from .queries import RECENT, in_cluster, source


class PrometheusAnnotation(AnnotationQuery, Builder[AnnotationQuery]):
    """An annotation from a query of Prometheus, of which the SDK knows the expression alone."""

    def __init__(self, name: str, expr: str, colour: str, title: str, text: str, tags: str):
        super().__init__(name=name, datasource=source(RECENT), icon_color=colour, expr=in_cluster(expr))
        self.formats = {"titleFormat": title, "textFormat": text, "tagKeys": tags, "step": "60s"}

    def build(self) -> AnnotationQuery:
        """Return itself: it is the builder that a dashboard's builder expects."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return the annotation as Grafana stores it."""
        return {**super().to_json(), **self.formats}


def deployments(services: Iterable[str]) -> PrometheusAnnotation:
    """Return the starts of services (values of `service_name`): every deployment is one.

    A service has started when its oldest process is young. A changed age is not enough: a stop of the service, or the
    end of one of its processes, changes it too. In Prometheus 3, a duration is also a number of seconds, so
    `time() - 1m` is valid.
    """
    started = f'namedprocess_namegroup_oldest_start_time_seconds{{service_name=~"{"|".join(services)}"}}'
    return PrometheusAnnotation(
        "Deployments and restarts",
        f"{started} > time() - $__rate_interval",
        PURPLE,
        "{{service_name}} started",
        "On {{host}}",
        "service_name",
    )


def firing(team: str) -> PrometheusAnnotation:
    """Return the firing alerts of a team or, with `.*`, of all."""
    return PrometheusAnnotation(
        "Alerts",
        f'ALERTS{{alertstate="firing", severity=~"warning|critical", team=~"{team}"}}',
        CRITICAL,
        "{{alertname}}",
        "{{severity}}",
        "severity,team",
    )
