"""What all dashboards have in common: audience, variables, annotations, links."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync, DashboardLinkType
from grafana_foundation_sdk.models.dashboard import Panel as BuiltPanel

from . import annotations, limits, panels, variables

TAG = "odoo-telemetry"
"""The tag of all dashboards, by which each links to those that are installed beside it."""

SCHEMA = 42
"""The version of Grafana 13's first schema. The SDK writes 41, from which Grafana changes nothing that is used here."""

DOCUMENTATION = "https://github.com/influencegen/telemetry/blob/main/docs/dashboards.md"


@dataclass(frozen=True)
class Page:
    """A dashboard.

    uid: its address in Grafana, `/d/<uid>`, and the name of its file.
    audience: its readers, in the specification's words where it has any.
    summary: the questions that it answers.
    refresh: time between two refreshes.
    time_range: the time that it shows, up to now.
    team: the team whose alerts are annotated; `.*` for all.
    services: the services, by `service_name`, whose starts are annotated.
    variables: functions that return variables.
    rows: panels by the title of their row; the first is the overview. The first panel has the runbooks of the alerts
        that link here and are in no other panel.
    """

    uid: str
    title: str
    audience: str
    summary: str
    refresh: str
    time_range: str
    team: str
    services: Sequence[str]
    variables: Sequence[Callable[[], DatasourceVariable | QueryVariable]]
    rows: Mapping[str, Sequence[panels.Panel]]

    def build(self) -> Dashboard:
        """Return the dashboard as Grafana stores it."""
        builder = dashboard.Dashboard(self.title).uid(self.uid).tags([TAG])
        builder.description(f"{self.summary}\n\nFor: {self.audience}.").readonly().timezone("browser")
        builder.refresh(self.refresh).time(f"now-{self.time_range}", "now").tooltip(DashboardCursorSync.CROSSHAIR)
        builder.variables([variable() for variable in (variables.recent, variables.cluster, *self.variables)])
        builder.annotations([annotations.deployments(self.services), annotations.firing(self.team)])
        builder.link(
            dashboard.DashboardLink("Other dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        builder.link(
            dashboard.DashboardLink("About").type(DashboardLinkType.LINK).url(DOCUMENTATION).target_blank(True)
        )
        number = 0
        for title, row in self.rows.items():
            builder.with_row(dashboard.Row(title).id(number := number + 1))
            for panel in row:
                builder.with_panel(panel.id(number := number + 1))
        built = builder.build()
        built.schema_version = SCHEMA
        for variable in built.templating.list_val or ():
            # the SDK adds to all of them what belongs to intervals; Grafana does not know it
            variable.auto = variable.auto_min = variable.auto_count = None
        shown = [panel for panel in built.panels or () if isinstance(panel, BuiltPanel)]
        linked = {link.title for panel in shown for link in panel.links or ()}
        rest = [panels.runbook(alert).build() for alert in limits.alerts_of(self.uid)]
        shown[0].links = [*(shown[0].links or ()), *(link for link in rest if link.title not in linked)]
        return built
