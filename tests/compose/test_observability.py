"""Traces and logs in Compose: who sends where, what is kept, and how one leads to the other in Grafana."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
PROVISIONING = ROOT / "grafana_dashboards" / "provisioning"
COLLECTOR = "http://tempo:4318"


def configuration(name):
    """A YAML file of deploy/compose/, parsed."""
    return yaml.safe_load((COMPOSE / name).read_text())


@pytest.fixture
def datasources():
    """Grafana's data sources by uid."""
    content = yaml.safe_load((PROVISIONING / "datasources.yml").read_text())
    return {source["uid"]: source for source in content["datasources"]}


def references(value):
    """The uids that a data source names anywhere in its settings."""
    if isinstance(value, list):
        return [uid for item in value for uid in references(item)]
    if not isinstance(value, dict):
        return []
    return [uid for key, item in value.items() for uid in ([item] if key == "datasourceUid" else references(item))]


def test_all_who_take_part_in_an_image_send_their_spans_to_the_collector(services):
    assert f"odoo_telemetry_otlp_endpoint = {COLLECTOR}\n" in (COMPOSE / "odoo.conf").read_text()
    for name in ("n8n", "n8n-worker", "ai-service"):
        assert services[name]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == COLLECTOR
    otlp = configuration("tempo.yml")["distributor"]["receivers"]["otlp"]["protocols"]
    assert otlp == {"http": {"endpoint": f"0.0.0.0:{COLLECTOR.split(':')[-1]}"}}


def test_prometheus_keeps_exemplars(services):
    assert "--enable-feature=exemplar-storage" in services["prometheus"]["command"]


@pytest.mark.parametrize("service, file", [("tempo", "tempo.yml"), ("loki", "loki.yml")])
def test_what_is_kept_lies_on_a_volume(services, service, file):
    volumes = [mount["target"] for mount in services[service]["volumes"] if mount["type"] == "volume"]
    paths = re.findall(r": (/\S+)", (COMPOSE / file).read_text())
    assert paths
    for path in paths:
        assert any(Path(path).is_relative_to(volume) for volume in volumes), path


def test_the_position_in_the_logs_lies_on_a_volume(services):
    [path] = re.findall(r"storage\.path=(\S+)", " ".join(services["alloy"]["command"]))
    assert {mount["target"]: mount["type"] for mount in services["alloy"]["volumes"]}[path] == "volume"


def test_each_reads_the_configuration_that_is_mounted(services):
    for name in ("tempo", "loki", "alloy"):
        [path] = re.findall(r"/etc/\S+", " ".join(services[name]["command"]))
        assert path in {mount["target"] for mount in services[name]["volumes"]}


def test_spans_are_kept_as_long_as_samples_and_logs_for_30_days(services):
    [samples] = re.findall(r"retention\.time=(\d+)d", " ".join(services["prometheus"]["command"]))
    spans = configuration("tempo.yml")["overrides"]["defaults"]["compaction"]["block_retention"]
    assert spans == f"{int(samples) * 24}h"
    loki = configuration("loki.yml")
    assert loki["limits_config"]["retention_period"] == f"{30 * 24}h"
    # without these nothing is ever deleted
    assert loki["compactor"]["retention_enabled"]
    assert loki["compactor"]["delete_request_store"] == loki["schema_config"]["configs"][0]["object_store"]


def test_the_logs_of_this_project_are_collected(compose):
    assert f"com.docker.compose.project={compose['name']}" in (COMPOSE / "config.alloy").read_text()


def test_reports_of_use_are_not_sent(services):
    assert "--disable-reporting" in services["alloy"]["command"]
    assert configuration("tempo.yml")["usage_report"] == {"reporting_enabled": False}
    assert configuration("loki.yml")["analytics"] == {"reporting_enabled": False}


def test_grafana_finds_its_data_sources_and_dashboards(services):
    mounts = {mount["target"]: Path(mount["source"]) for mount in services["grafana"]["volumes"]}
    provisioned = {Path(target).name: source for target, source in mounts.items() if "/provisioning/" in target}
    assert provisioned == {file.name: file for file in PROVISIONING.glob("*.yml")}
    assert mounts["/etc/grafana/provisioning/datasources/datasources.yml"] == PROVISIONING / "datasources.yml"
    folders = {}
    for source in ("odoo", "influencegen"):
        content = yaml.safe_load((PROVISIONING / f"{source}.yml").read_text())
        mounted = f"/etc/grafana/dashboards/{source}"
        assert f"/etc/grafana/provisioning/dashboards/{source}.yml" in mounts
        for provider in content["providers"]:
            path = mounts[mounted] / Path(provider["options"]["path"]).relative_to(mounted)
            folders[provider["folder"]] = {dashboard.stem for dashboard in path.glob("*.json")}
    assert folders == {
        "Odoo": {"odoo_jobs", "odoo_models", "odoo_system_health", "postgresql", "telemetry"},
        "Operations": {"n8n_ai_integration_performance", "ai_image_generation_service_kpis", "slo"},
        "Business": {"business_operations_overview", "onboarding_funnel"},
    }


def test_data_sources_lead_to_each_other(datasources):
    assert {uid: set(references(source)) for uid, source in datasources.items()} == {
        "prometheus": {"tempo"},
        "tempo": {"loki"},
        "loki": {"tempo"},
        "victoria-5m": set(),
        "victoria-1h": set(),
    }


def test_an_exemplar_leads_to_its_trace(datasources):
    [destination] = datasources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert f' # {{{destination["name"]}="' in (ROOT / "n8n_workflows" / "schema.sql").read_text()


def test_a_line_of_odoos_log_leads_to_its_trace(datasources):
    trace = "0af7651916cd43dd8448eb211c80319c"
    line = json.dumps({"message": "done", "trace_id": trace, "span_id": "b7ad6b7169203331"})
    [field] = datasources["loki"]["jsonData"]["derivedFields"]
    assert re.search(field["matcherRegex"], line)[1] == trace
    assert "odoo_telemetry_json_logs = True\n" in (COMPOSE / "odoo.conf").read_text()


def test_a_trace_leads_to_the_lines_that_name_it(datasources):
    query = datasources["tempo"]["jsonData"]["tracesToLogsV2"]["query"]
    labels = re.findall(r"(\w+)=~", query)
    written = re.findall(r'target_label  = "(\w+)"', (COMPOSE / "config.alloy").read_text())
    assert set(labels) <= set(written)
    assert "$${__trace.traceId}" in query
