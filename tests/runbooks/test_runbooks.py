"""Each alert has a page that on-call can follow: its parts are there, its queries run, its series exist."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from promql_parser import MatchOp

from influencegen_telemetry import business
from influencegen_telemetry.business import catalogue
from prometheus.generator import slo, thresholds
from prometheus.generator.recording.series import part_of
from prometheus.generator.rules import RUNBOOKS
from tests.promql import errors, matchers, selectors

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*/*.md"))
OF_ANY_ODOO = [page for page in PAGES if page.parent.name == "odoo"]
PARTS = ["What it means for users", "First three checks", "Likely causes", "Remedy", "Escalation"]
RULES = [
    rule
    for path in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
# Series of programs that are not the project's own: what they are is their makers' business.
OTHERS = re.compile(
    r"(node|pg|namedprocess|probe|prometheus|alertmanager|scrape|n8n_process|n8n_nodejs|n8n_scaling|redis)_\w+|up|ALERTS"
)
METRICS = {
    f"{metric.name}{suffix}": metric
    for metric in catalogue.METRICS.values()
    for suffix in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
}
KNOWN = {
    *METRICS,
    *(series for requirement in business.SPECIFICATION.values() for series in requirement.series),
    *(rule["record"] for rule in RULES if "record" in rule),
}
OF_PLATFORM = {series for series, metric in METRICS.items() if part_of(metric) != "odoo"}
# What Prometheus and the exposition add to the labels of the catalogue.
ADDED = {"__name__", "job", "instance", "database", "le"}


def blocks(page, language):
    return re.findall(rf"^ *```{language}\n(.+?)\n *```", page.read_text(), re.DOTALL | re.MULTILINE)


QUERIES = {f"{page.stem}-{number}": query for page in PAGES for number, query in enumerate(blocks(page, "promql"), 1)}


def fits(matcher, value):
    """Say whether a label's value is one that a matcher asks for, as Prometheus would."""
    if matcher.op in (MatchOp.Re, MatchOp.NotRe):
        return bool(re.fullmatch(matcher.value, value)) == (matcher.op == MatchOp.Re)
    return (matcher.value == value) == (matcher.op == MatchOp.Equal)


VARIABLES = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "alerting.md").read_text(), re.MULTILINE))
"""What the commands of runbooks take from the environment, as docs/alerting.md lists it."""


def test_pages_of_any_odoo_need_nothing_of_the_platform(subtests):
    """Not its database, its services, the paths of `make up`, nor a runbook or a series of its own."""
    own = re.compile(r"influencegen|n8n|\.run/|127\.0\.0\.1|localhost|/simulators/", re.IGNORECASE)
    for page in OF_ANY_ODOO:
        with subtests.test(page.stem):
            assert not own.findall(page.read_text())
            for query in blocks(page, "promql"):
                for selector in selectors(query):
                    [name] = [matcher.value for matcher in matchers(selector) if matcher.name == "__name__"]
                    assert name not in OF_PLATFORM


def test_variables_of_commands_are_documented(subtests):
    assert VARIABLES
    for page in PAGES:
        with subtests.test(page.stem):
            for command in blocks(page, "sh"):
                assert set(re.findall(r"\$([A-Z]\w+)", command)) <= VARIABLES


def test_a_page_links_to_its_variables_and_contacts(subtests):
    for page in PAGES:
        with subtests.test(page.stem):
            checks, escalation = page.read_text().split("## First three checks\n")[1].split("\n## Escalation\n")
            assert "](../../alerting.md#commands-of-the-runbooks)" in checks
            assert "](../../alerting.md#escalation-contacts)" in escalation


def test_a_page_names_the_thresholds_of_its_alert(subtests):
    """Its opening has each threshold, with its unit; the duration and the minimum that it names are the alert's."""
    for name, values in thresholds.read()["alerts"].items():
        with subtests.test(name):
            opening = opening_of(name)
            for key, value in values.items():
                shown = f"{value:g}%" if key.endswith("percent") else key != "for" and thresholds.shown(key, value)
                if key == "for":
                    assert {seconds(*words) for words in DURATION.findall(opening)} <= {seconds(value[:-1], value[-1])}
                elif key.startswith("minimum"):
                    assert set(re.findall(r"at least ([\d,]+)", opening)) <= {shown}
                elif value and shown != "100%":
                    assert re.search(rf"(?<![\d.,]){re.escape(shown)}(?!\w)", opening), f"{key} is {shown}: {opening}"


def test_a_page_names_the_burn_rates_of_its_error_budget(subtests):
    objectives = thresholds.Thresholds(thresholds.read())
    for objective in filter(lambda objective: objective.alert, slo.OBJECTIVES):
        budget = 100 - objectives.objective(objective.name)
        for speed, windows in (("Fast", slo.FAST), ("Slow", slo.SLOW)):
            with subtests.test(objective.alert + speed):
                shares = [f"{round(factor * budget, 6):g}%" for factor in (1, *(factor for factor, *_ in windows))]
                assert re.findall(r"[\d.]+%", opening_of(objective.alert + speed)) == shares


def test_a_page_names_the_threshold_at_which_its_alert_becomes_critical(subtests):
    alerts = thresholds.read()["alerts"]
    for page in PAGES:
        for critical, percent in re.findall(r"It becomes\s+\[(\w+)\]\([^)]+\)\s+at\s+([\d.]+)%", page.read_text()):
            with subtests.test(page.stem):
                assert alerts[critical]["above_percent"] == float(percent)


DURATION = re.compile(r"\b[Ff]or (an?|\d+) (minute|hour|m|h)s?\b")


def seconds(number, unit):
    """Return a duration, as '10' and 'minute' or 'm', in seconds."""
    return int(number.replace("an", "1").replace("a", "1")) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit[0]]


def opening_of(alert):
    """Return what the page of an alert says first: when it fires."""
    [page] = [page for page in PAGES if page.stem == alert]
    return " ".join(page.read_text().split("\n## ")[0].split("\n", 1)[1].split())


@pytest.fixture(scope="module")
def own_exporters():
    """The source of the project's own exporters, which names their series."""
    return "".join(path.read_text() for path in (ROOT / "exporters").rglob("*.py"))


def test_each_alert_has_a_page_and_each_page_an_alert():
    urls = {rule["annotations"]["runbook_url"] for rule in RULES if "alert" in rule}
    assert {f"{RUNBOOKS}{page.parent.name}/{page.name}" for page in PAGES} == urls


def test_a_page_has_its_parts(subtests):
    for page in PAGES:
        with subtests.test(page.stem):
            title, _, opening = page.read_text().split("\n", 2)
            assert title == f"# {page.stem}"
            assert opening[0].isupper()
            found = re.split(r"^## (.+)\n", page.read_text(), flags=re.MULTILINE)[1:]
            parts = dict(zip(found[::2], found[1::2], strict=True))
            assert list(parts) == PARTS
            assert all(text.strip() for text in parts.values())


def test_a_page_has_three_checks_each_with_what_to_run(subtests):
    for page in PAGES:
        with subtests.test(page.stem):
            checks = page.read_text().split("## First three checks\n")[1].split("\n## ")[0]
            numbered = re.split(r"^\d\. ", checks, flags=re.MULTILINE)[1:]
            assert len(numbered) == 3
            assert all(check.count("```") == 2 for check in numbered)


def test_links_lead_somewhere(subtests):
    for page in PAGES:
        with subtests.test(page.stem):
            for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
                path, _, anchor = target.partition("#")
                linked = (page.parent / path).resolve()
                assert linked.exists(), target
                headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
                anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
                assert not anchor or anchor in anchors, target


def test_commands_can_be_parsed(subtests):
    for page in PAGES:
        with subtests.test(page.stem):
            for command in blocks(page, "sh"):
                result = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True)
                assert result.returncode == 0, result.stderr


def test_queries_are_valid():
    assert not errors(QUERIES)


def test_queries_ask_for_series_that_exist(own_exporters, subtests):
    for name, query in QUERIES.items():
        with subtests.test(name):
            assert selectors(query)
            for selector in selectors(query):
                check(selector, own_exporters)


def check(selector, own_exporters):
    """Check that there is a series which a selector can find, by name, labels and values."""
    [name] = [matcher for matcher in matchers(selector) if matcher.name == "__name__"]
    known = [series for series in KNOWN if fits(name, series)]
    ours = f'"{name.value.removesuffix("_total")}"'
    assert known or OTHERS.fullmatch(name.value) or ours in own_exporters, name
    for metric in filter(None, map(METRICS.get, known)):
        labels = {label.name: label.values for label in metric.labels}
        for matcher in matchers(selector):
            assert matcher.name in labels.keys() | ADDED, f"{metric.name} has no label {matcher.name}"
            values = labels.get(matcher.name)
            assert not values or any(fits(matcher, value) for value in values), f"{metric.name}: {matcher}"
