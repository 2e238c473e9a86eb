"""The chart, rendered by Helm itself: what it makes fits Kubernetes, the Prometheus operator, and the project.

No cluster runs here: that an operator turns the objects into scrapes is not tested.
"""

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from stack.services import prometheus

from .chart import CHART, ROOT, helm, render

PLATFORM = yaml.safe_load((CHART / "values-influencegen.yaml").read_text())
RECEIVERS = yaml.safe_load(
    re.search(r"```yaml\n# receivers.yaml\n(.+?)```", (CHART / "README.md").read_text(), re.DOTALL)[1]
)
"""The documented values of who is notified."""
EVERYTHING = {
    **PLATFORM,
    **RECEIVERS,
    "cluster": "eu/shop",
    "monitor": {
        **PLATFORM["monitor"],
        "labels": {"release": "prometheus"},
        "sampleLimit": 50000,
        "metricRelabelings": [{"sourceLabels": ["database"], "regex": ".*_copy", "action": "drop"}],
    },
    "rules": {"tiers": True, "labels": {"release": "prometheus"}},
}
NOTHING = {part: {"enabled": False} for part in ("monitor", "probe", "rules", "dashboards")}
KUBERNETES = "1.37"
# Made of the CustomResourceDefinitions of prometheus-operator 0.93.0: without descriptions, and fields that they do not
# name are refused.
CRDS = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "crds").glob("*.json")}
MEBIBYTE = 1 << 20


def check(found):
    """Raise ValidationError if an object is not as Kubernetes, or the Prometheus operator, wants it."""
    if found["apiVersion"].startswith("monitoring.coreos.com/"):
        jsonschema.validate(found, CRDS[f"{found['kind'].lower()}s"])
    else:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)


def example():
    """Return the objects of the example of Odoo's pods, by their kind."""
    return {found["kind"]: found for found in yaml.safe_load_all((CHART / "examples" / "odoo.yaml").read_text())}


@pytest.fixture(scope="module")
def made():
    """What the chart makes of its own values."""
    return render()


@pytest.mark.parametrize("values", [{}, PLATFORM, EVERYTHING], ids=["odoo", "platform", "everything"])
def test_every_object_fits_its_schema(values):
    objects = [found for kind in render(values).values() for found in kind]
    assert len(objects) > 10
    for found in objects:
        check(found)
    names = [(found["kind"], found["metadata"]["name"]) for found in objects]
    assert len(set(names)) == len(names)


def test_a_field_that_there_is_not_is_noticed(made):
    [monitor] = made["PodMonitor"]
    monitor = json.loads(json.dumps(monitor))
    monitor["spec"]["podMetricsEndpoints"][0]["intervals"] = "30s"
    with pytest.raises(jsonschema.ValidationError, match="intervals"):
        check(monitor)
    dashboard = {**made["ConfigMap"][0], "dato": {}}
    with pytest.raises(kubernetes_validate.ValidationError, match="dato"):
        check(dashboard)


def test_helm_finds_nothing_to_say_about_it():
    assert helm.lint(CHART, strict=True)["messages"] == []


def test_nothing_is_made_of_what_is_switched_off():
    assert render(NOTHING) == {}


@pytest.mark.parametrize(
    "values",
    [
        {"monitor": {"jobs": [{"name": "odoo", "interval": "30"}]}},
        {"monitor": {"jobs": [{"name": "odoo", "interval": "30s", "groups": ["busy"]}]}},
        {"monitor": {"jobs": []}},
        {"probe": {"prober": "http://blackbox:9115"}},
        {"rule": {"enabled": False}},
    ],
)
def test_values_that_cannot_be_meant_are_refused(values):
    with pytest.raises(helm.HelmError), helm.Chart.load(CHART) as chart:
        chart.validate_schema(chart.merge_values(values))


def test_rules_are_those_that_are_generated():
    files = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "prometheus" / "rules").glob("*.yml")}
    for values, wanted in (
        ({}, {name for name in files if name.startswith("odoo") and not name.endswith("tiers")}),
        (EVERYTHING, set(files)),
    ):
        rules = {found["metadata"]["name"]: found["spec"] for found in render(values)["PrometheusRule"]}
        assert rules == {f"telemetry-{name.replace('_', '-')}": files[name] for name in wanted}


def test_promtool_accepts_the_rules(tmp_path):
    for found in render(EVERYTHING)["PrometheusRule"]:
        path = tmp_path / f"{found['metadata']['name']}.yml"
        path.write_text(yaml.safe_dump(found["spec"]))
    command = [prometheus.executable("promtool"), "check", "rules", *tmp_path.iterdir()]
    assert subprocess.run(command, capture_output=True).returncode == 0


def native(route):
    """Return a route of an AlertmanagerConfig as Alertmanager itself has it, with matchers as (name, type, value)."""
    jsonschema.validate(route, CRDS["alertmanagerconfigs"]["properties"]["spec"]["properties"]["route"])
    found = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key): value for key, value in route.items()}
    if "routes" in found:
        found["routes"] = [native(below) for below in found["routes"]]
    return {**found, "matchers": objects(found.get("matchers", ()))}


def objects(matchers):
    return [(matcher["name"], matcher["matchType"], matcher["value"]) for matcher in matchers]


def parsed(matchers):
    """Return matchers of alertmanager.yml as (name, type, value)."""
    return [re.fullmatch(r'(\w+) (\S+) "?([^"]*)"?', matcher).groups() for matcher in matchers]


def source(route):
    """Return a route of alertmanager.yml with matchers as (name, type, value)."""
    found = {**route, "matchers": parsed(route.get("matchers", ()))}
    return {**found, "routes": [source(below) for below in route["routes"]]} if "routes" in route else found


def test_nobody_is_notified_by_default(made):
    assert "AlertmanagerConfig" not in made


def test_routes_and_inhibit_rules_are_those_of_alertmanager():
    wanted = yaml.safe_load((ROOT / "prometheus" / "alertmanager" / "alertmanager.yml").read_text())
    [found] = render(RECEIVERS)["AlertmanagerConfig"]
    assert native(found["spec"]["route"]) == source(wanted["route"])
    assert [
        (objects(rule["sourceMatch"]), objects(rule["targetMatch"]), rule["equal"])
        for rule in found["spec"]["inhibitRules"]
    ] == [
        (parsed(rule["source_matchers"]), parsed(rule["target_matchers"]), rule["equal"])
        for rule in wanted["inhibit_rules"]
    ]
    assert found["spec"]["receivers"] == RECEIVERS["alertmanager"]["receivers"]
    assert found["metadata"]["labels"]["release"] == "prometheus"


def test_a_receiver_that_is_missing_is_refused():
    values = RECEIVERS["alertmanager"]
    with pytest.raises(helm.HelmError, match="alertmanager.receivers lacks dead-mans-switch"):
        render({"alertmanager": {**values, "receivers": values["receivers"][:2]}})


def test_alerts_can_be_left_out():
    """A group without a rule that is left is not made."""
    values = {"rules": {"disabledAlerts": ["TargetMissing", "JobMissing"]}}
    groups = [group for found in render({**PLATFORM, **values})["PrometheusRule"] for group in found["spec"]["groups"]]
    alerts = {rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule}
    assert "OdooDown" in alerts
    assert alerts.isdisjoint(values["rules"]["disabledAlerts"])


def test_dashboards_are_those_that_are_generated():
    folders = {path.name: path for path in (ROOT / "grafana_dashboards").glob("*/**/*.json")}
    files = {name: path for name, path in folders.items() if {"odoo", "influencegen"} & set(path.parts)}
    for values, wanted in (
        ({}, {name for name, path in files.items() if path.parent.name == "odoo"}),
        (PLATFORM, set(files)),
    ):
        maps = render(values)["ConfigMap"]
        content = {name: text for found in maps for name, text in found["data"].items()}
        assert {name: json.loads(text) for name, text in content.items()} == {
            name: json.loads(files[name].read_text()) for name in wanted
        }
        assert all(found["metadata"]["labels"]["grafana_dashboard"] == "1" for found in maps)


def test_no_object_is_too_large_for_its_store(tmp_path):
    """Kubernetes stores an object of 1 MiB at most, and Helm the whole release in one, compressed."""
    objects = [found for kind in render(EVERYTHING).values() for found in kind]
    assert max(len(json.dumps(found)) for found in objects) < MEBIBYTE / 2
    helm.package(CHART, destination=tmp_path)
    [package] = tmp_path.iterdir()
    assert package.stat().st_size < MEBIBYTE / 4


def test_the_platforms_jobs_are_those_of_prometheus_yml():
    jobs = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert [
        (job["job_name"], job["scrape_interval"], job.get("scrape_timeout", "10s"), job["params"]["group[]"])
        for job in jobs
        if "group[]" in job.get("params", {})
    ] == [(job["name"], job["interval"], job["timeout"], job["groups"]) for job in PLATFORM["monitor"]["jobs"]]


def test_a_cluster_is_a_label_of_all_that_is_scraped():
    objects = render({"cluster": "eu/shop"})
    [monitor], [probe] = objects["PodMonitor"], objects["Probe"]
    assert {"targetLabel": "cluster", "replacement": "eu/shop"} in monitor["spec"]["podMetricsEndpoints"][0][
        "relabelings"
    ]
    assert probe["spec"]["targets"]["staticConfig"]["labels"]["cluster"] == "eu/shop"


def test_labels_of_pods_take_the_place_of_those_by_default():
    for given in ({}, {"app": "shop"}):
        [monitor] = render({"odoo": {"podLabels": given}})["PodMonitor"]
        assert monitor["spec"]["selector"]["matchLabels"] == (given or {"app.kubernetes.io/name": "odoo"})


def test_the_example_fits_its_schemas():
    for found in example().values():
        check(found)


def test_the_example_is_what_the_chart_scrapes(made):
    [monitor] = made["PodMonitor"]
    template = example()["Deployment"]["spec"]["template"]
    [container] = template["spec"]["containers"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert endpoint["port"] in {port["name"] for port in container["ports"]}
    # the token that Odoo reads is the one that Prometheus sends
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    folder, _, key = environment["ODOO_TELEMETRY_TOKEN_FILE"].rpartition("/")
    secret = volumes[mounts[folder]["name"]]["secret"]["secretName"]
    assert endpoint["authorization"]["credentials"] == {"name": secret, "key": key}
    # what probes ask is what blackbox_exporter asks
    [target] = made["Probe"][0]["spec"]["targets"]["staticConfig"]["static"]
    assert target.startswith(f"http://{example()['Service']['metadata']['name']}:8069/")


def test_the_values_of_the_examples_pods_are_not_shared():
    """Nor does a pod end before its last request, and the scrape after it."""
    pod = example()["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    options = dict(
        line.split(" = ", 1) for line in example()["ConfigMap"]["data"]["odoo.conf"].splitlines() if " = " in line
    )
    [mount] = [mount for mount in container["volumeMounts"] if mount["mountPath"] == options["odoo_telemetry_dir"]]
    assert "emptyDir" in next(volume for volume in pod["volumes"] if volume["name"] == mount["name"])
    slept = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert slept > 30
    assert pod["terminationGracePeriodSeconds"] >= slept + int(options["limit_time_real"])
