"""The rules of Grafana's dashboard-linter, which is a program in Go, and here tests with the names of its rules.

https://github.com/grafana/dashboard-linter/blob/main/docs/index.md. Where a rule does not fit, it is left out with the
reason, as that page asks for.
"""

import re
from datetime import timedelta

import pytest
from grafana_foundation_sdk.models import units
from promql_parser import MatrixSelector, VectorSelector

from tests.promql import errors, function, nodes

from .reading import ASKED, LONG_TERM, NAMED_PANELS, each_dashboard, interpolated

LEFT_OUT = {
    "template-job-rule, target-job-rule": (
        "a series of the catalogue comes from one job, and a recording rule has no job"
    ),
    "template-instance-rule, target-instance-rule": (
        "rules sum over instances, as the specification's metrics are of the platform; where an instance matters "
        "(Odoo System Health, Telemetry Self-Health) it can be chosen"
    ),
    "target-logql-rule, target-logql-auto-rule": "no panel asks Loki: its logs are reached from traces",
}
# The rate over a window of its own, by the beginning of a panel's title, and why.
OWN_WINDOW = {
    "Slowest routes (p95)": "the slowest of the time that is shown",
    "RPC latency p95": "that of the time that is shown: there may be few calls",
    "RPC latency p50": "that of the time that is shown: there may be few calls",
    "Slowest models (p95)": "the slowest of the time that is shown",
    "Slowest methods (p95)": "the slowest of the time that is shown",
    "Webhook latency": "5 minutes, as the rules beside it",
    "AI service latency": "5 minutes, as the rules beside it",
    "Callback latency": "5 minutes, as the rules beside it",
    "End-to-end latency": "5 minutes, as the rules beside it",
    "KYC step latency": "5 minutes, as the rules: there are few steps",
    "KYC service latency": "5 minutes, as the rule of the alert",
    "KYC service errors per minute": "5 minutes, as the latency beside it",
}
RATE_INTERVAL = "14m27s"
"""Stands for $__rate_interval: nobody would write it."""
RATE_WINDOW = timedelta(minutes=14, seconds=27)
UNITS = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
QUERIES = {asked.name: interpolated(asked.target["expr"], rate_interval=RATE_INTERVAL) for asked in ASKED}


@pytest.fixture(scope="module")
def parsed():
    """The nodes of each query, with those that they are in, by the query's name."""
    return {name: nodes(query) for name, query in QUERIES.items()}


def function_of_range(above):
    """The function that the range of a selector is given to, or nothing if it has no range."""
    return function(above[-2]) if above and isinstance(above[-1], MatrixSelector) else ""


@each_dashboard
def test_template_datasource_rule(dashboard):
    """Two are of Prometheus' kind, so they are named after what is in them, and not both after the kind."""
    sources = {
        variable["name"]: variable for variable in dashboard["templating"]["list"] if variable["type"] == "datasource"
    }
    assert sources["datasource"]["label"] == "Data source"
    assert sources.keys() <= {"datasource", "long_term_datasource"}
    assert {variable["query"] for variable in sources.values()} == {"prometheus"}


@each_dashboard
def test_template_label_promql_rule(dashboard):
    queries = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            queries[variable["name"]] = f"group by ({label}) ({series})"
    assert not errors(queries)


@each_dashboard
def test_template_on_time_change_reload_rule(dashboard):
    assert all(variable["refresh"] == 2 for variable in dashboard["templating"]["list"] if variable["type"] == "query")


@each_dashboard
def test_each_variable_is_used_and_each_that_is_used_is_there(dashboard):
    asked = "".join(
        asked.target["expr"] + asked.target["datasource"]["uid"] for asked in ASKED if asked.dashboard is dashboard
    )
    used = set(re.findall(r"\$\{?([a-z]\w+)", re.sub(r"\$__\w+", "", asked)))
    assert used == {variable["name"] for variable in dashboard["templating"]["list"]}


def test_panel_datasource_rule():
    sources = {
        (name, source["type"], source["uid"])
        for name, panel in NAMED_PANELS.items()
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"]))
    }
    assert [
        (name, kind, uid)
        for name, kind, uid in sources
        if kind != "prometheus" or uid not in ("${datasource}", LONG_TERM)
    ] == []


def test_panel_title_description_rule():
    assert [name for name, panel in NAMED_PANELS.items() if not (panel["title"] and panel["description"])] == []


def test_panel_units_rule():
    units_of = {name: panel["fieldConfig"]["defaults"]["unit"] for name, panel in NAMED_PANELS.items()}
    assert {name: unit for name, unit in units_of.items() if unit not in UNITS} == {}


def test_panel_no_targets_rule():
    assert [name for name, panel in NAMED_PANELS.items() if not panel["targets"]] == []


def test_target_promql_rule():
    assert not errors(QUERIES)


def test_target_rate_interval_rule(parsed):
    windows = {
        (asked.name, node.range)
        for asked in ASKED
        if asked.panel["title"] not in OWN_WINDOW
        for node, above in parsed[asked.name]
        if isinstance(node, MatrixSelector) and function(above[-1]) in ("rate", "irate")
    }
    assert windows
    assert {found for found in windows if found[1] != RATE_WINDOW} == set()


def test_target_counter_agg_rule(parsed):
    """A counter is never shown as it is, but how it grew."""
    counters = {
        (name, node.name, function_of_range(above))
        for name, found in parsed.items()
        for node, above in found
        if isinstance(node, VectorSelector) and (node.name or "").endswith("_total")
    }
    assert counters
    assert {found for found in counters if found[2] not in ("rate", "irate", "increase")} == set()


def test_buckets_become_quantiles(parsed):
    buckets = {
        (name, node.name, *map(function, above))
        for name, found in parsed.items()
        for node, above in found
        if isinstance(node, VectorSelector) and re.search("_bucket(:|$)", node.name or "")
    }
    assert buckets
    assert {found for found in buckets if "histogram_quantile" not in found} == set()


def test_what_a_long_term_tier_has_is_asked_there_alone(parsed):
    asked_for = {
        (asked.name, asked.of_long_term, node.name)
        for asked in ASKED
        for node, above in parsed[asked.name]
        if isinstance(node, VectorSelector)
    }
    assert {found for found in asked_for if found[2].startswith("tier:") != found[1]} == set()


def test_increases_of_a_long_term_tier_are_summed(parsed):
    """Their series are not counters, see docs/storage.md."""
    increases = {
        (asked.name, node.name, function_of_range(above))
        for asked in ASKED
        if asked.of_long_term
        for node, above in parsed[asked.name]
        if isinstance(node, VectorSelector) and node.name.endswith(":increase")
    }
    assert increases
    assert {found for found in increases if found[2] != "sum_over_time"} == set()


@each_dashboard
def test_uneditable_rule(dashboard):
    assert dashboard["editable"] is False


def test_what_is_excepted_is_there():
    assert OWN_WINDOW.keys() <= {asked.panel["title"] for asked in ASKED}
