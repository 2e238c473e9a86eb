"""What all dashboards have in common: who they are for, what may be chosen, what is marked, where one goes next."""

from collections.abc import Callable
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardCursorSync, DashboardLinkType

from . import annotations, limits, panels, variables

TAG = "influencegen"
DOCUMENTATION = "https://github.com/influencegen/telemetry/blob/main/docs/dashboards.md"


@dataclass(frozen=True)
class Page:
    """A dashboard.

    uid: its address in Grafana, `/d/<uid>`, and the name of its file.
    audience: who it is for, in the specification's words where it has any.
    answers: what a reader learns from it.
    refresh: how often it asks anew.
    shows: how much time it shows.
    team: whose alerts are marked; `.*` for all.
    choices: functions that return variables.
    rows: panels below the question that they answer; the first says whether all is well. The first panel has the
        runbooks of the alerts that lead here and are in no other panel.
    """

    uid: str
    title: str
    audience: str
    answers: str
    refresh: str
    shows: str
    team: str
    choices: tuple[Callable, ...]
    rows: dict[str, tuple]

    def build(self) -> Dashboard:
        """Return the dashboard as Grafana keeps it."""
        made = dashboard.Dashboard(self.title).uid(self.uid).tags([TAG])
        made.description(f"{self.answers}\n\nFor: {self.audience}.").readonly().timezone("browser")
        made.refresh(self.refresh).time(f"now-{self.shows}", "now").tooltip(DashboardCursorSync.CROSSHAIR)
        made.variables([choose() for choose in (variables.recent, *self.choices)])
        made.annotations([annotations.deployments(), annotations.firing(self.team)])
        made.link(
            dashboard.DashboardLink("Other dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        made.link(dashboard.DashboardLink("About").type(DashboardLinkType.LINK).url(DOCUMENTATION).target_blank(True))
        number = 0
        for question, row in self.rows.items():
            made.with_row(dashboard.Row(question).id(number := number + 1))
            for panel in row:
                made.with_panel(panel.id(number := number + 1))
        built = made.build()
        for variable in built.templating.list_val:
            # what the SDK adds to all of them for those of intervals; Grafana 12.0 does not know it
            variable.auto = variable.auto_min = variable.auto_count = None
        shown = [panel for panel in built.panels if panel.type_val != "row"]
        linked = {link.title for panel in shown for link in panel.links}
        rest = [panels.runbook(alert).build() for alert in limits.alerts_of(self.uid)]
        shown[0].links += [link for link in rest if link.title not in linked]
        return built
