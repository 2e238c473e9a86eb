"""What the dashboards show and say: all that the specification asks for, and why, and what to do."""

import itertools
import json
import re

import pytest
import yaml

from grafana_dashboards.generator import files, limits, palette
from influencegen_telemetry import business
from prometheus.generator import thresholds
from prometheus.generator.rules import RUNBOOKS
from tests import requirements

from .reading import DASHBOARDS, FILES, NAMED_PANELS, PANELS, ROOT, each_dashboard, panels

RULES = [
    rule
    for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
THRESHOLDS = thresholds.read()
SECONDS = {"s": 1, "m": 60, "h": 3600}
SCALES = {"hours": 3600, "per_second": 60, "seconds": 1 / 60}
"""Factors from a threshold's unit to its panel's: hours to seconds, per second to per minute, seconds to minutes."""


def offenders(checked, wrong):
    """What `wrong` finds, by name of the checked item; items without findings are left out."""
    return {name: found for name, one in checked.items() if (found := wrong(one))}


def test_they_are_not_stale():
    written = {path: path.read_text() for path in FILES}
    assert written == files.texts(), "make dashboards writes them again"


@pytest.mark.parametrize("folder", ["odoo", "influencegen"])
def test_a_folder_that_git_sync_reads_has_nothing_else_in_it(folder):
    place = ROOT / "grafana_dashboards" / folder
    assert {path for path in place.rglob("*") if path.is_file()} == {path for path in FILES if place in path.parents}


@pytest.mark.parametrize("name", requirements.DASHBOARDS)
def test_a_dashboard_that_is_required_is_there_for_whom_it_is_meant(name):
    wanted, dashboard = requirements.DASHBOARDS[name], DASHBOARDS[name]
    assert dashboard["title"] == wanted["title"]
    assert int(dashboard["refresh"][:-1]) * SECONDS[dashboard["refresh"][-1]] == wanted["refresh"]
    assert dashboard["description"].endswith(f"For: {wanted['audience']}.")


def shows(dashboard, metric):
    """Whether a panel names a metric, and asks for the rule or for the series that carry it."""
    wanted, _, detail = metric.partition(" ")
    wanted = wanted.removesuffix("_p95")
    requirement = business.SPECIFICATION[wanted]
    # a rule has no database or server to choose, so a panel may ask for the series in its place
    carried = [re.sub(r"_\d+[mhd]$", "", series) for series in (requirement.rule, *requirement.series) if series]
    asked = [
        target["expr"]
        for panel in panels(dashboard)
        if wanted in panel["description"] and detail.casefold() in panel["description"].casefold()
        for target in panel["targets"]
        if any(series in other["expr"] for series in carried for other in panel["targets"])
    ]
    if metric.endswith("_p95"):
        return any(":p95_" in expr or "histogram_quantile(0.95" in expr for expr in asked)
    return bool(asked)


def test_each_metric_that_is_required_is_on_the_page():
    assert [
        (name, metric)
        for name, wanted in requirements.DASHBOARDS.items()
        for metric in wanted["metrics"]
        if not shows(DASHBOARDS[name], metric)
    ] == []


def test_addresses_are_the_names_of_the_files():
    assert {name: dashboard["uid"] for name, dashboard in DASHBOARDS.items()} == {
        name: name.replace("_", "-") for name in DASHBOARDS
    }


@each_dashboard
def test_a_page_is_no_more_than_a_person_reads_and_begins_with_an_overview(dashboard):
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows[0] is dashboard["panels"][0] and rows[0]["title"] == "Overview"
    first = [panel for panel in panels(dashboard) if panel["gridPos"]["y"] < rows[1]["gridPos"]["y"]]
    assert {panel["type"] for panel in first} <= {"stat", "bargauge"}
    assert 8 <= len(panels(dashboard)) <= 17
    assert 3 <= len(rows) <= 4


@each_dashboard
def test_panels_fill_the_page_without_gaps_and_none_covers_another(dashboard):
    taken = [
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place.get("x", 0), place.get("x", 0) + place["w"])
        for y in range(place.get("y", 0), place.get("y", 0) + place["h"])
    ]
    assert len(taken) == len(set(taken))
    for row in {y for _, y in taken}:
        assert sum(y == row for _, y in taken) == 24, f"row {row} is not filled"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def missing_words(panel):
    """What a panel does not say: what it shows, of which metric, why it may be empty, or what a line is."""
    says, has_metric, metric = panel["description"].partition("\n\nMetric: ")
    named = set(re.findall(r"\b[a-z][a-z0-9]*(?:\.[a-z0-9_]+)+\b", metric))
    said = {
        "description": len(says) > 20 and says.endswith("."),
        "metric": not has_metric or (named and named <= business.SPECIFICATION.keys() and metric.endswith(".")),
        "no value": len(panel["fieldConfig"]["defaults"]["noValue"]) > 10,
        "title that fits at 1280 pixels and on a phone": len(panel["title"]) < min(7 * panel["gridPos"]["w"] - 8, 42),
        "title without a question": not panel["title"].endswith("?"),
        "legend": panel["type"] == "stat" or all(target["legendFormat"] for target in panel["targets"]),
    }
    return [what for what, good in said.items() if not good]


def test_a_panel_says_what_it_shows_why_it_may_be_empty_and_what_to_do():
    assert offenders(NAMED_PANELS, missing_words) == {}


def test_no_two_panels_of_a_dashboard_have_the_same_title():
    assert len(NAMED_PANELS) == len(PANELS)


def test_no_two_dashboards_ask_the_same_in_other_words():
    """The same query has the same unit wherever it is asked, or a reader compares what can't be."""
    units = {}
    for _, panel in PANELS:
        for target in panel["targets"]:
            units.setdefault(target["expr"], set()).add(panel["fieldConfig"]["defaults"]["unit"])
    assert {expr: unit for expr, unit in units.items() if len(unit) > 1} == {}


def test_links_lead_somewhere():
    """To a runbook, or to another dashboard in the same range of time."""
    runbooks = ROOT / "docs" / "runbooks"
    pages = {f"{RUNBOOKS}{page.relative_to(runbooks)}" for page in runbooks.glob("*/*.md")}
    dashboards = {f"/d/{dashboard['uid']}?${{__url_time_range}}" for dashboard in DASHBOARDS.values()}
    links = {(dashboard["uid"], link["url"]) for dashboard, panel in PANELS for link in panel.get("links", [])}
    assert links
    assert {(uid, url) for uid, url in links if url not in pages | dashboards or url.startswith(f"/d/{uid}?")} == set()


def test_an_alert_leads_to_a_dashboard_that_shows_it():
    """A panel there has the alert's value as a colour, or at least its runbook as a link."""
    linked = {(dashboard["uid"], link["title"]) for dashboard, panel in PANELS for link in panel["links"]}
    led = {
        (alert["annotations"]["dashboard"].removeprefix("/d/"), f"Runbook {alert['alert']}")
        for alert in ALERTS
        if alert["labels"]["severity"] != "none"
    }
    assert led - linked == set()


def strange_colours(panel):
    """The colours of a panel that are not in the palette."""
    known = {colour for colour in vars(palette).values() if isinstance(colour, str) and colour.startswith("#")}
    used = set(re.findall(r"#[0-9A-F]{6}", json.dumps(panel)))
    return used - known | set(re.findall(r'"(?:fixedColor|color)": "([^"]+)"', json.dumps(panel))) - used


def test_colours_are_those_of_the_palette():
    assert offenders(NAMED_PANELS, strange_colours) == {}


def strange_thresholds(panel):
    """The values at which a colour changes and that are not in thresholds/ for an alert whose runbook is linked."""
    limits_shown = {
        value * scale
        for link in panel.get("links", [])
        for name, value in THRESHOLDS["alerts"].get(link["title"].removeprefix("Runbook "), {}).items()
        if name.startswith(("above", "below"))
        for scale in (1, SCALES.get(name.partition("_")[2], 1))
    }
    limits_shown |= {objective["good_percent"] for objective in THRESHOLDS["objectives"].values()}
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return {step["value"] for step in steps[1:]} - limits_shown - {limits.LEAST, 100}


def test_the_lines_of_a_query_have_colours_of_their_own():
    """Shades of one colour can't be distinguished; what a label distinguishes has Grafana's palette."""
    assert [name for name, panel in NAMED_PANELS.items() if "shades" in json.dumps(panel["fieldConfig"])] == []


NOT_CHOSEN = {
    "database": r"(?i)per (odoo )?server, not per database|of all databases|of all servers",
    "slo": r"(?i)ignores [^.]*the variable Objective",
    "db_instance": r"(?i)whichever server is selected|per odoo server",
}
"""What a panel says that does not follow a variable of its dashboard."""


@pytest.mark.parametrize("variable", NOT_CHOSEN)
def test_a_panel_follows_a_variable_or_says_that_it_does_not(variable):
    name = {"database": "(database|datname)"}.get(variable, variable)
    asked = re.compile(rf"\${name}\b")
    assert [
        f"{dashboard['uid']}: {panel['title']}"
        for dashboard, panel in PANELS
        if any(asked.match(f"${known['name']}") for known in dashboard["templating"]["list"])
        and not any(asked.search(target["expr"]) for target in panel["targets"])
        and not re.search(NOT_CHOSEN[variable], panel["description"])
        and not (variable == "database" and ABOUT_NO_ODOO.search(str(panel["targets"])))
    ] == []


ABOUT_NO_ODOO = re.compile(r"telemetry:(system|service)_|prometheus_|alertmanager_|scrape_|[^_]up\b|pg_up")
"""Hosts, PostgreSQL and Prometheus have no databases of Odoo."""

TIME = {
    "1m": "1 m(in|\\b)", "5m": "5 m(in|\\b)", "10m": "10 m(in|\\b)", "15m": "15 m(in|\\b)", "1h": "1 h\\b|hour",
    "1d": "24[ -]h|per day|each day", "24h": "24[ -]h", "30d": "30 d",
}  # fmt: skip
"""How a text names the window of a query."""


def windows(expr):
    """The windows of an expression, but for series that only select hosts, and rates that have a window around them."""
    return set(re.findall(r"[_[](\d+[mhd])\b", re.sub(r"and on \(host\) [\w:]+|:rate_5m(?=\{[^}]*\}\[)", "", expr)))


def unnamed_windows(panel):
    """The windows of a panel's queries that neither its title nor its description nor a legend names."""
    says = " ".join([panel["title"], panel["description"], *(target["legendFormat"] for target in panel["targets"])])
    asked = set().union(*(windows(target["expr"]) for target in panel["targets"]))
    return [window for window in asked if not re.search(TIME[window], says)]


def test_a_panel_names_its_windows():
    assert offenders(NAMED_PANELS, unnamed_windows) == {}


def of_another_window(panel):
    """The alerts whose thresholds colour a value that they compare over another time."""
    steps = {step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]}
    [asked] = [windows(target["expr"]) for target in panel["targets"]]
    return [
        alert["alert"]
        for alert in ALERTS
        if f"Runbook {alert['alert']}" in [link["title"] for link in panel["links"]]
        and any(value in steps for key, value in THRESHOLDS["alerts"].get(alert["alert"], {}).items() if key != "for")
        and asked
        and not asked & windows(alert["expr"])
    ]


def test_a_value_is_coloured_by_what_its_alert_compares():
    stats = {name: panel for name, panel in NAMED_PANELS.items() if panel["type"] == "stat"}
    assert offenders(stats, of_another_window) == {}


def test_a_share_of_a_capacity_is_drawn_from_0_to_100():
    assert [
        name
        for name, panel in NAMED_PANELS.items()
        if panel["type"] == "timeseries"
        and re.search("utilization|hit ratio", panel["title"])
        and (panel["fieldConfig"]["defaults"].get("min"), panel["fieldConfig"]["defaults"].get("max")) != (0, 100)
    ] == []


def test_a_name_counts_the_same_on_every_page():
    """Registration attempts and registrations are different metrics."""
    counted = {"registered": "influencer_registration_success", "attempts": "attempts|registrations_per_hour"}
    asked = [
        (name, target["legendFormat"], target["expr"]) for name, panel in NAMED_PANELS.items()
        for target in panel["targets"]
    ]  # fmt: skip
    assert [
        (name, legend)
        for name, legend, expr in asked
        for word, series in counted.items()
        if re.search(rf"\b{word}\b", f"{name} {legend}") and "/" not in legend and not re.search(series, expr)
    ] == []
    assert [name for name, legend, _ in asked if "registrations" in legend] == []


HOUSE_WORDS = (
    r"not in it|in (this|that) time\b|before each moment|look at\b|Nobody|is not scraped|whatever the time|"
    r"time range of the page|\bchosen\b|has begun|the first is not yet|\bcrons?\b(?!_)|scheduled jobs?\b"
)


def test_texts_are_in_the_words_of_grafana_and_odoo():
    def texts(panel):
        return " ".join(
            [panel["title"], panel["description"], panel["fieldConfig"]["defaults"]["noValue"],
             *(re.sub(r"\{\{.*?\}\}", "", target["legendFormat"]) for target in panel["targets"])]
        )  # fmt: skip

    assert offenders(NAMED_PANELS, lambda panel: re.findall(HOUSE_WORDS, texts(panel))) == {}


def test_colours_change_where_thresholds_say():
    of_budgets = ("slo: Burn rate (1 h)", "slo: Remaining error budget (30 d)")
    assert offenders({name: NAMED_PANELS[name] for name in NAMED_PANELS.keys() - of_budgets}, strange_thresholds) == {}


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        (["HostCpuHigh", "HostCpuCritical"], [(None, palette.GOOD), (70, palette.WARNING), (85, palette.CRITICAL)]),
        (["AiImageSuccessRateLow"], [(None, palette.WARNING), (95, palette.GOOD)]),
        (
            ["RegistrationsLow", "RegistrationsHigh"],
            [(None, palette.WARNING), (50, palette.GOOD), (100, palette.WARNING)],
        ),
        (["BackupJobFailed"], [(None, palette.CRITICAL), (100, palette.GOOD)]),
        (["OdooDown"], [(None, palette.GOOD), (limits.LEAST, palette.CRITICAL)]),
        (["LabelOverflow"], [(None, palette.GOOD), (limits.LEAST, palette.WARNING)]),
    ],
)
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
    linear = [
        ((value + 0.055) / 1.055) ** 2.4 if value > 0.04045 else value / 12.92
        for value in (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    ]
    return [min(max(sum(a * b for a, b in zip(row, linear, strict=True)), 0), 1) for row in matrices[kind]]


def lab(linear):
    """CIE L*a*b* of linear sRGB under D65, where equal distances look equally different."""
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
    x, y, z = (
        value / white
        for value, white in zip(
            (sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows), (0.95047, 1, 1.08883), strict=True
        )
    )
    x, y, z = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("kind", ["none", "protan", "deutan", "tritan"])
def test_colours_can_be_distinguished_by_everybody(kind):
    """A difference of 10 is seen at a glance; one of 2.3 is just noticed."""
    for group in (palette.SERIES[:4], (palette.GOOD, palette.WARNING, palette.CRITICAL)):
        for one, other in itertools.combinations(group, 2):
            difference = sum((a - b) ** 2 for a, b in zip(lab(seen(one, kind)), lab(seen(other, kind)), strict=True))
            assert difference**0.5 > 10, (one, other)
