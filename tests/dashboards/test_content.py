"""What the dashboards show and say: all that the specification asks for, and why, and what to do."""

import itertools
import json
import re

import pytest
import yaml

from grafana_dashboards.src import __main__ as generator
from grafana_dashboards.src import limits, palette
from influencegen_telemetry import business
from prometheus.src.rules import RUNBOOKS

from .reading import DASHBOARDS, FILES, PANELS, ROOT, each_dashboard, each_panel, panels

RULES = [rule for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
         for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
THRESHOLDS = yaml.safe_load((ROOT / "prometheus" / "thresholds.yml").read_text())
SPECIFICATION = ROOT.parent / "shared" / "spec" / "telemetry-specification.md"
# As the specification lists them: title, refresh in seconds, audience, metrics.
WANTED = {
    "odoo_system_health": (
        "Odoo_System_Health", 60, "Platform Administrators, Operations Team",
        ["system.cpu.utilization (Odoo hosts)", "system.memory.utilization (Odoo hosts)", "odoo.workers.active_count",
         "odoo.request_queue.length", "odoo.ui.page_load_time_seconds_p95", "odoo.application.error_rate"]),
    "n8n_ai_integration_performance": (
        "N8N_AI_Integration_Performance", 30, "Platform Administrators, Operations Team, N8N Developers",
        ["system.cpu.utilization (N8N host)", "system.memory.utilization (N8N host)", "n8n.workflow.active_executions",
         "n8n.workflow.execution_queue.length", "api.odoo_to_n8n_webhook.latency_seconds_p95",
         "api.odoo_to_n8n_webhook.error_rate", "api.n8n_to_aiservice.latency_seconds_p95",
         "api.n8n_to_aiservice.error_rate", "api.n8n_to_odoo_callback.latency_seconds_p95",
         "api.n8n_to_odoo_callback.error_rate", "n8n.workflow.execution.error_rate"]),
    "ai_image_generation_service_kpis": (
        "AI_Image_Generation_Service_KPIs", 60, "Platform Administrators, Business Stakeholders",
        ["gpu.utilization (AI hosts)", "gpu.memory.utilization (AI hosts)", "ai.image_generation.request_rate",
         "ai.image_generation.success_rate", "ai.image_generation.end_to_end_latency_seconds_p95",
         "ai.image_generation.daily_volume"]),
    "business_operations_overview": (
        "Business_Operations_Overview", 300, "Business Stakeholders, Platform Management",
        ["influencer.onboarding.registrations_per_hour", "influencer.onboarding.kyc_approval_rate",
         "influencer.active_count_total", "campaign.application_rate", "payment.processing.success_rate"]),
}
SECONDS = {"s": 1, "m": 60, "h": 3600}


def test_the_table_above_is_what_the_specification_says():
    if not SPECIFICATION.exists():
        pytest.skip("the specification is not in this checkout: the table in this file was compared with it")
    text = SPECIFICATION.read_text().split("- **Dashboard Metrics:**")[1].split("- **Implementation Priority:**")[0]
    found = [
        (re.match(r" (\S+)", part)[1], int(re.search(r"Refresh Interval:\*\* (\d+)s", part)[1]),
         re.search(r"Audience:\*\* (.+?) *\n", part)[1], re.findall(r"^    - (\S.*?)\s*$", part, re.MULTILINE))
        for part in text.split("**Dashboard:**")[1:]
    ]
    assert found == list(WANTED.values())


def test_they_are_not_stale():
    written = {path: path.read_text() for path in FILES}
    assert written == generator.texts(), "make dashboards writes them again"


@pytest.mark.parametrize("name", WANTED)
def test_a_dashboard_of_the_specification_is_there_for_whom_it_is_meant(name):
    title, refresh, audience, _ = WANTED[name]
    dashboard = DASHBOARDS[name]
    assert dashboard["title"] == title.replace("_", " ")
    assert int(dashboard["refresh"][:-1]) * SECONDS[dashboard["refresh"][-1]] == refresh
    assert dashboard["description"].endswith(f"For: {audience}.")


@pytest.mark.parametrize(("name", "metric"), [
    (name, metric) for name, (*_, metrics) in WANTED.items() for metric in metrics])
def test_each_metric_that_the_specification_lists_is_on_the_page(name, metric):
    """A panel names it, and asks for the rule or for the series that carry it."""
    wanted, _, detail = metric.partition(" ")
    wanted = wanted.removesuffix("_p95")
    requirement = business.SPECIFICATION[wanted]
    carried = [requirement.rule] if requirement.rule else requirement.series
    carried = [re.sub(r"_\d+[mhd]$", "", series) for series in carried]
    shown = [panel for panel in panels(DASHBOARDS[name])
             if wanted in panel["description"] and detail.casefold() in panel["description"].casefold()
             and any(series in target["expr"] for series in carried for target in panel["targets"])]
    assert shown, carried
    if metric.endswith("_p95"):
        assert any(":p95_" in target["expr"] for panel in shown for target in panel["targets"])


def test_addresses_are_the_names_of_the_files():
    assert {name: dashboard["uid"] for name, dashboard in DASHBOARDS.items()} == {
        name: name.replace("_", "-") for name in DASHBOARDS}


@each_dashboard
def test_a_page_is_no_more_than_a_person_reads_and_begins_with_whether_all_is_well(dashboard):
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows[0] is dashboard["panels"][0] and rows[0]["title"] == "Is it all right?"
    assert all(row["title"].endswith("?") for row in rows)
    first = [panel for panel in panels(dashboard) if panel["gridPos"]["y"] < rows[1]["gridPos"]["y"]]
    assert {panel["type"] for panel in first} <= {"stat", "bargauge"}
    assert 8 <= len(panels(dashboard)) <= 16
    assert 3 <= len(rows) <= 4


@each_dashboard
def test_panels_fill_the_page_without_gaps_and_none_covers_another(dashboard):
    taken = [(x, y) for panel in dashboard["panels"] for place in [panel["gridPos"]]
             for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
             for y in range(place.get("y", 0), place.get("y", 0) + place["h"])]
    assert len(taken) == len(set(taken))
    for row in {y for _, y in taken}:
        assert sum(y == row for _, y in taken) == 24, f"row {row} is not filled"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@each_panel
def test_a_panel_says_what_it_shows_why_it_may_be_empty_and_what_to_do(dashboard, panel):
    says, _, spec = panel["description"].partition("\n\nSpecification: ")
    assert len(says) > 20 and says.endswith(".") and spec.endswith(".")
    named = set(re.findall(r"\b[a-z][a-z0-9]*(?:\.[a-z0-9_]+)+\b", spec))
    assert named <= business.SPECIFICATION.keys() or spec.startswith("not in it")
    assert len(panel["fieldConfig"]["defaults"]["noValue"]) > 10
    assert len(panel["title"]) < 60
    if panel["type"] != "stat":
        assert all(target["legendFormat"] for target in panel["targets"])


def test_no_two_dashboards_ask_the_same_in_other_words():
    """The same query has the same unit wherever it is asked, or a reader compares what can't be."""
    units = {}
    for _, panel in PANELS:
        for target in panel["targets"]:
            units.setdefault(target["expr"], set()).add(panel["fieldConfig"]["defaults"]["unit"])
    assert {expr: unit for expr, unit in units.items() if len(unit) > 1} == {}


@each_panel
def test_links_lead_somewhere(dashboard, panel):
    for link in panel.get("links", []):
        if link["url"].startswith(RUNBOOKS):
            assert (ROOT / "docs" / "runbooks" / link["url"].removeprefix(RUNBOOKS)).exists()
        else:
            uid = re.fullmatch(r"/d/([\w-]+)\?\$\{__url_time_range\}", link["url"])[1]
            assert uid in {other["uid"] for other in DASHBOARDS.values()} - {dashboard["uid"]}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_leads_to_a_dashboard_that_shows_it(alert):
    """A panel there has the alert's figure as a colour, or at least its runbook as a link."""
    if alert["labels"]["severity"] == "none":
        return
    uid = alert["annotations"]["dashboard"].removeprefix("/d/")
    [dashboard] = [dashboard for dashboard in DASHBOARDS.values() if dashboard["uid"] == uid]
    assert f"Runbook {alert['alert']}" in {link["title"] for panel in panels(dashboard) for link in panel["links"]}


@each_panel
def test_colours_are_those_of_the_palette(dashboard, panel):
    used = set(re.findall(r"#[0-9A-F]{6}", json.dumps(panel)))
    assert used <= {colour for colour in vars(palette).values() if isinstance(colour, str) and colour.startswith("#")}
    assert set(re.findall(r'"(?:fixedColor|color)": "([^"]+)"', json.dumps(panel))) <= used


@each_panel
def test_colours_change_where_thresholds_say(dashboard, panel):
    """Each figure at which a colour changes is in thresholds.yml, of an alert whose runbook the panel links."""
    figures = {value for link in panel.get("links", [])
               for name, value in THRESHOLDS["alerts"].get(link["title"].removeprefix("Runbook "), {}).items()
               if name.startswith(("above", "below"))}
    figures |= {objective["good_percent"] for objective in THRESHOLDS["objectives"].values()}
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    of_budgets = dashboard["uid"] == "slo" and panel["title"].startswith("How")
    assert of_budgets or {step["value"] for step in steps[1:]} <= figures | {limits.LEAST}


@pytest.mark.parametrize(("alerts", "expected"), [
    (["HostCpuHigh", "HostCpuCritical"], [(None, palette.GOOD), (70, palette.WARNING), (85, palette.CRITICAL)]),
    (["AiImageSuccessRateLow"], [(None, palette.WARNING), (95, palette.GOOD)]),
    (["RegistrationsLow", "RegistrationsHigh"],
     [(None, palette.WARNING), (50, palette.GOOD), (100, palette.WARNING)]),
    (["BackupJobFailed"], [(None, palette.CRITICAL), (100, palette.GOOD)]),
    (["OdooDown"], [(None, palette.GOOD), (limits.LEAST, palette.CRITICAL)]),
    (["LabelOverflow"], [(None, palette.GOOD), (limits.LEAST, palette.WARNING)]),
])
def test_colours_of_alerts(alerts, expected):
    assert [(step.value, step.color) for step in limits.steps(*alerts)] == expected


def seen(colour, kind):
    """A colour as somebody sees it who lacks a kind of cone: the matrices of Machado, Oliveira and Fernandes (2009)."""
    matrices = {
        "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
        "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
        "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
        "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    }
    linear = [((value + 0.055) / 1.055) ** 2.4 if value > 0.04045 else value / 12.92
              for value in (int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5))]
    return [min(max(sum(a * b for a, b in zip(row, linear, strict=True)), 0), 1) for row in matrices[kind]]


def lab(linear):
    """CIE L*a*b* of linear sRGB under D65, where equal distances look equally different."""
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    x, y, z = (value / white for value, white in zip(
        (sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows), (0.95047, 1, 1.08883), strict=True))
    x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("kind", ["none", "protan", "deutan", "tritan"])
def test_colours_can_be_told_apart_by_everybody(kind):
    """A difference of 10 is seen at a glance; one of 2.3 is just noticed."""
    for group in (palette.SERIES[:4], (palette.GOOD, palette.WARNING, palette.CRITICAL)):
        for one, other in itertools.combinations(group, 2):
            difference = sum((a - b) ** 2 for a, b in zip(lab(seen(one, kind)), lab(seen(other, kind)), strict=True))
            assert difference ** 0.5 > 10, (one, other)
