"""What tests read of the dashboards' files: panels, their queries, and the values that Grafana puts in."""

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ODOO, INFLUENCEGEN = (
    sorted((ROOT / "grafana_dashboards" / folder).rglob("*.json")) for folder in ("odoo", "influencegen")
)
"""The files of any Odoo, which are usable alone, and those of InfluenceGen."""
FILES = [*ODOO, *INFLUENCEGEN]
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in FILES}
LONG_TERM = "${long_term_datasource}"
INTERVALS = {"$__rate_interval": "4m", "$__interval": "1m", "$__range": "1h"}


class Asked(NamedTuple):
    """A query of a panel of a dashboard."""

    dashboard: dict
    panel: dict
    target: dict

    @property
    def name(self) -> str:
        return f"{self.dashboard['uid']}: {self.panel['title']} {self.target['refId']}"

    @property
    def of_long_term(self) -> bool:
        return self.target["datasource"]["uid"] == LONG_TERM


def panels(dashboard):
    """The panels of a dashboard, without the rows that head them."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def interpolated(expr, **intervals):
    """A query as it is sent: intervals are put in, and all values of each variable are chosen."""
    for name, value in {**INTERVALS, **{f"$__{name}": value for name, value in intervals.items()}}.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$[a-z]\w+", ".*", expr)


PANELS = [(dashboard, panel) for dashboard in DASHBOARDS.values() for panel in panels(dashboard)]
NAMED_PANELS = {f"{dashboard['uid']}: {panel['title']}": panel for dashboard, panel in PANELS}
ASKED = [Asked(dashboard, panel, target) for dashboard, panel in PANELS for target in panel["targets"]]

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
