"""The dashboards of any Odoo work in a Grafana that has them alone, with a Prometheus that scrapes no InfluenceGen."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from promql_parser import VectorSelector

from tests.promql import nodes

from .reading import ASKED, DASHBOARDS, INFLUENCEGEN, ODOO, ROOT, interpolated

NAMES = [path.stem for path in ODOO]
QUERIES = {asked.name: asked.target["expr"] for asked in ASKED if asked.dashboard["uid"].replace("-", "_") in NAMES}
TEXT = "\n".join(path.read_text().replace("github.com/influencegen/telemetry", "") for path in ODOO)
EXPORTERS = re.compile(
    r"(up|scrape_\w+|ALERTS|(prometheus|alertmanager|node|namedprocess_namegroup|probe|pg)_\w+"
    r"|postgresql_slow_queries_\w+|telemetry:\w+(:\w+)?)$"
)
"""Prometheus, Alertmanager, the exporters of any server, and the rules of any Odoo."""
CATALOGUE = "from odoo_telemetry.metrics import catalogue; print(*catalogue.METRICS)"


@pytest.fixture(scope="module")
def known():
    """The function that returns the series of an expression that do not exist without InfluenceGen."""
    listed = subprocess.run([sys.executable, "-c", CATALOGUE], cwd=ROOT, capture_output=True, text=True, check=True)
    metrics = set(listed.stdout.split())
    assert "odoo_http_requests_total" in metrics and not any("influencer" in metric for metric in metrics)

    def foreign(expr):
        series = {node.name for node, _ in nodes(interpolated(expr)) if isinstance(node, VectorSelector)}
        return {
            name
            for name in series
            if not EXPORTERS.match(name) and not {name, re.sub("_(bucket|sum|count)$", "", name)} & metrics
        }

    return foreign


def test_there_are_some():
    assert NAMES == ["odoo_jobs", "odoo_models", "odoo_system_health", "postgresql", "telemetry"]
    assert len(INFLUENCEGEN) == 5 and len(QUERIES) > 50


def test_each_query_is_of_series_that_any_odoo_has(known):
    assert {name: found for name, expr in QUERIES.items() if (found := known(expr))} == {}


def test_a_series_of_the_platform_is_noticed(known):
    assert known("sum(influencer_active) + up") == {"influencer_active"}
    assert known("influencegen:gpu_memory_utilization:percent or gpu_up") == {
        "influencegen:gpu_memory_utilization:percent",
        "gpu_up",
    }
    assert known('rate(api_n8n_to_aiservice_latency_seconds_bucket{le="1"}[5m])') == {
        "api_n8n_to_aiservice_latency_seconds_bucket"
    }


def test_variables_and_annotations_are_of_series_that_any_odoo_has(known):
    for name in NAMES:
        queries = [annotation["expr"] for annotation in DASHBOARDS[name]["annotations"]["list"]]
        for variable in DASHBOARDS[name]["templating"]["list"]:
            if variable["type"] == "query":
                queries += re.findall(r"label_values\((.+), \w+\)", variable["query"]["query"])
        assert [query for query in queries if known(query)] == [], name


def test_linked_runbooks_are_of_alerts_that_any_odoo_has(known):
    alerts = {
        rule["alert"]: rule["expr"]
        for path in (ROOT / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    linked = set(re.findall(r'"title": "Runbook (\w+)"', TEXT))
    assert linked == set(re.findall(r"/docs/runbooks/odoo/(\w+)\.md", TEXT))
    assert {name: known(alerts[name]) for name in linked if known(alerts[name])} == {}


def test_links_lead_to_dashboards_of_any_odoo():
    assert set(re.findall(r"/d/([\w-]+)", TEXT)) <= {name.replace("_", "-") for name in NAMES}


def test_tiles_of_any_odoo_lead_to_dashboards_of_any_odoo():
    models = [path.read_text() for path in (ROOT / "odoo_telemetry" / "models").glob("*.py")]
    linked = set(re.findall(r'_dashboard\("([\w-]+)"\)', "\n".join(models)))
    assert linked and linked <= {name.replace("_", "-") for name in NAMES}


def test_no_text_is_about_the_platform():
    assert re.findall(r"(?i).*(?:influencegen|influencer|n8n|aiservice|gpu|kyc|campaign).*", TEXT) == []


def test_one_prometheus_is_enough():
    sources = {variable["name"]: variable for name in NAMES for variable in DASHBOARDS[name]["templating"]["list"]}
    assert [name for name, variable in sources.items() if variable["type"] == "datasource"] == ["datasource"]
    assert set(re.findall(r'"uid": "(\$[^"]+)"', TEXT)) == {"${datasource}"}
    assert "__inputs" not in TEXT


@pytest.mark.parametrize("variable", ["instance", "database"])
def test_one_of_many_servers_and_databases_can_be_chosen(variable):
    """Each query of a series that Odoo exports, with the label, selects by it."""
    instance_only = re.compile(
        r"odoo_(info|application_errors|orm_cache|workers|request_queue|connection_pool|websockets_open"
        r"|telemetry_(errors|labels_folded|series|slots))"
    )
    unselected = [
        (name, selector)
        for name, expr in QUERIES.items()
        for selector in re.findall(r"\bodoo_\w+(?::rate_5m)?(?:\{[^}]*\})?", expr)
        if f'{variable}=~"${variable}"' not in selector
        and not (variable == "database" and instance_only.match(selector))
    ]
    assert unselected == []


def test_uids_stay():
    """Bookmarks and the links of alerts rely on them."""
    assert {json.loads(path.read_text())["uid"] for path in (*ODOO, *INFLUENCEGEN)} == {
        "odoo-models",
        "odoo-system-health",
        "odoo-jobs",
        "postgresql",
        "telemetry",
        "n8n-ai-integration-performance",
        "ai-image-generation-service-kpis",
        "slo",
        "business-operations-overview",
        "onboarding-funnel",
    }
