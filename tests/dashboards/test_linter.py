"""The rules of Grafana's dashboard-linter, which is a program in Go, and here tests with the names of its rules.

https://github.com/grafana/dashboard-linter/blob/main/docs/index.md. Where a rule does not fit, it is left out with the
reason, as that page asks for. Queries are parsed by Prometheus itself.
"""

import re

import pytest
from grafana_foundation_sdk.models import units

from .reading import ASKED, LONG_TERM, each_dashboard, each_panel, each_query, interpolated

LEFT_OUT = {
    "template-job-rule, target-job-rule":
        "a series of the catalogue comes from one job, and a recording rule has no job",
    "template-instance-rule, target-instance-rule":
        "rules sum over instances, as the specification's metrics are of the platform; where an instance matters "
        "(Odoo System Health, Telemetry Self-Health) it can be chosen",
    "target-logql-rule, target-logql-auto-rule":
        "no panel asks Loki: its logs are reached from traces",
}
# The rate over a window of its own, by the beginning of a panel's title, and why.
OWN_WINDOW = {
    "Which addresses are the slowest?": "the slowest of the time that is shown",
    "How many begin, and how many get in?": "an hour, as the rules beside it and the specification's count per hour",
}
RATE_INTERVAL = "14m27s"
"""Stands for $__rate_interval: nobody would write it."""
RATE_INTERVAL_MS = (14 * 60 + 27) * 1000
UNITS = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}


def walk(node, above=()):
    """Yield each node of what Prometheus made of a query, with the nodes above it."""
    if isinstance(node, dict):
        if "type" in node:
            yield node, above
            above = (*above, node)
        for part in node.values():
            yield from walk(part, above)
    elif isinstance(node, list):
        for part in node:
            yield from walk(part, above)


@pytest.fixture(scope="module")
def parsed(ask):
    """Each query as Prometheus parses it, by its name."""
    return {asked.name: list(walk(ask("parse_query", interpolated(asked.target["expr"], rate_interval=RATE_INTERVAL))))
            for asked in ASKED}


@each_dashboard
def test_template_datasource_rule(dashboard):
    """Two are of Prometheus' kind, so they are named after what is in them, and not both after the kind."""
    sources = {variable["name"]: variable for variable in dashboard["templating"]["list"]
               if variable["type"] == "datasource"}
    assert sources["datasource"]["label"] == "Data source"
    assert sources.keys() <= {"datasource", "long_term_datasource"}
    assert {variable["query"] for variable in sources.values()} == {"prometheus"}


@each_dashboard
def test_template_label_promql_rule(dashboard, ask):
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            ask("parse_query", f"group by ({label}) ({series})")


@each_dashboard
def test_template_on_time_change_reload_rule(dashboard):
    assert all(variable["refresh"] == 2 for variable in dashboard["templating"]["list"] if variable["type"] == "query")


@each_dashboard
def test_each_variable_is_used_and_each_that_is_used_is_there(dashboard):
    asked = "".join(asked.target["expr"] + asked.target["datasource"]["uid"]
                    for asked in ASKED if asked.dashboard is dashboard)
    used = set(re.findall(r"\$\{?([a-z]\w+)", re.sub(r"\$__\w+", "", asked)))
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}


@each_panel
def test_panel_datasource_rule(dashboard, panel):
    for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
        assert source["type"] == "prometheus"
        assert source["uid"] in ("${datasource}", LONG_TERM)


@each_panel
def test_panel_title_description_rule(dashboard, panel):
    assert panel["title"] and panel["description"]


@each_panel
def test_panel_units_rule(dashboard, panel):
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@each_panel
def test_panel_no_targets_rule(dashboard, panel):
    assert panel["targets"]


@each_query
def test_target_promql_rule(asked, parsed):
    assert parsed[asked.name]


@each_query
def test_target_rate_interval_rule(asked, parsed):
    windows = {node["range"] for node, above in parsed[asked.name] if node["type"] == "matrixSelector"
               and above[-1].get("func", {}).get("name") in ("rate", "irate")}
    assert windows <= {RATE_INTERVAL_MS} or asked.panel["title"] in OWN_WINDOW


@each_query
def test_target_counter_agg_rule(asked, parsed):
    for node, above in parsed[asked.name]:
        if node["type"] == "vectorSelector" and node["name"].endswith("_total"):
            pytest.fail(f"{node['name']} is shown as it is, and not how it grew")
        if node["type"] == "matrixSelector" and node["name"].endswith("_total"):
            assert above[-1]["func"]["name"] in ("rate", "irate", "increase")


@each_query
def test_buckets_become_quantiles(asked, parsed):
    for node, above in parsed[asked.name]:
        if re.search("_bucket(:|$)", node.get("name", "")):
            assert "histogram_quantile" in {call["func"]["name"] for call in above if call["type"] == "call"}


@each_query
def test_what_a_long_term_tier_has_is_asked_there_alone(asked, parsed):
    for node, above in parsed[asked.name]:
        if node["type"] in ("vectorSelector", "matrixSelector"):
            assert node["name"].startswith("tier:") == asked.of_long_term, node["name"]
            if node["name"].endswith(":increase") and asked.of_long_term:
                # the series are no counters, see docs/storage.md
                assert above[-1]["func"]["name"] == "sum_over_time"


@each_dashboard
def test_uneditable_rule(dashboard):
    assert dashboard["editable"] is False


def test_what_is_excepted_is_there():
    assert OWN_WINDOW.keys() <= {asked.panel["title"] for asked in ASKED}
