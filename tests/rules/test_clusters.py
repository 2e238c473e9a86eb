"""Several clusters in one Prometheus are kept apart by the label `cluster`, though all else is named alike."""

import promql_parser
import pytest

from tests.promql import nodes, selectors

from . import alert_cases, promtool, recording_cases, test_recording

GROUPS = promtool.groups()
CLUSTERS = ("eu", "us")
EVERYWHERE = "influencegen:working_hours:"
"""How the names of series begin that are the same in all clusters."""
ALERTS = (
    "HostMemoryHigh", "PostgresConnectionsHigh", "OdooWorkersMissing", "OdooApplicationErrors",
    "OdooConcurrentUsersHigh", "OdooCronOverdue", "N8nWorkflowErrors", "TelemetryDisagreesWithDatabase",
)  # fmt: skip


def of(cluster, series):
    """Return the name of a series with the label of a cluster."""
    name, _, labels = series.partition("{")
    inside = ", ".join(filter(None, (f'cluster="{cluster}"', labels.removesuffix("}"))))
    return series if name.startswith(EVERYWHERE) else f"{name}{{{inside}}}"


def twice(series):
    """Return series, by name, in both clusters."""
    return {of(cluster, name): values for cluster in CLUSTERS for name, values in series.items()}


def merges(expression):
    """Return the parts of an expression that take series of different clusters together."""
    found = []
    for node, _above in nodes(expression):
        if isinstance(node, promql_parser.AggregateExpr):
            by = node.modifier
            apart = bool(by) and ("cluster" in by.labels) == (by.type == promql_parser.AggModifierType.By)
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
            on = node.modifier.matching.type == promql_parser.LabelModifierType.Include
            apart = ("cluster" in node.modifier.matching.labels) == on or all(
                selector.name.startswith(EVERYWHERE) for selector in selectors(str(node.rhs))
            )
        else:
            continue
        if not apart:
            found.append(str(node))
    return found


def test_what_merges_clusters_is_noticed():
    assert merges("sum(up)") and merges("sum by (job) (up)") and merges("a and on (job) b")
    assert merges("max without (cluster) (up)") and merges("a and ignoring (cluster) b")
    apart = (
        "sum by (cluster) (up)",
        "max without (instance) (up)",
        "a and on (cluster) b",
        "a + b",
        "a and ignoring (x) b",
    )
    assert [merges(expression) for expression in apart] == [[]] * len(apart)


def test_no_rule_merges_clusters():
    rules = {rule.get("record", rule.get("alert")): rule["expr"] for group in GROUPS for rule in group["rules"]}
    assert {name: found for name, expression in rules.items() if (found := merges(expression))} == {}


@pytest.mark.parametrize("case", [case for case in recording_cases.CASES if case.series], ids=str)
def test_each_cluster_has_what_it_had_alone(case, tmp_path):
    wrong = promtool.run(
        tmp_path,
        promtool.groups(*case.files),
        {
            "name": case.name,
            "interval": f"{case.every}s",
            "input_series": promtool.input_series(twice(case.series)),
            "promql_expr_test": [
                {
                    "expr": test_recording.EVERYTHING,
                    "eval_time": f"{case.hours}h",
                    "exp_samples": [test_recording.sample(name, value) for name, value in twice(case.expected).items()],
                }
            ],
        },
        case.evaluated,
    )
    assert not wrong


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_of_its_cluster(alert, tmp_path):
    """Both fire with the values that each has alone, and say whose they are."""
    rules = promtool.needed_by(alert, GROUPS)
    for case in (case for case in alert_cases.CASES if case.alert == alert):
        _inside, crossed = case.tests(rules[-1]["rules"][-1])
        del crossed["promql_expr_test"]
        crossed["input_series"] = promtool.input_series(
            twice({series["series"]: series["values"] for series in crossed["input_series"]})
        )
        [fired] = crossed["alert_rule_test"]
        fired["exp_alerts"] = [
            {**expected, "exp_labels": {**expected["exp_labels"], "cluster": cluster}}
            for expected in fired["exp_alerts"]
            for cluster in CLUSTERS
        ]
        assert not promtool.run(tmp_path, rules, crossed, f"{case.every}s")


def test_a_cluster_is_compared_with_its_own_threshold(tmp_path):
    series = {
        **twice({'odoo_concurrent_users{database="x", user_role="user"}': "3x60"}),
        of("eu", 'odoo_telemetry_threshold{database="x", name="concurrent_users"}'): "2x60",
        of("us", 'odoo_telemetry_threshold{database="x", name="concurrent_users"}'): "4x60",
    }
    wrong = promtool.run(
        tmp_path,
        promtool.needed_by("OdooConcurrentUsersHigh", GROUPS),
        {
            "name": "one is above its own threshold",
            "interval": "1m",
            "input_series": promtool.input_series(series),
            "promql_expr_test": [
                {
                    "expr": 'count by (cluster) (ALERTS{alertstate="firing"})',
                    "eval_time": "30m",
                    "exp_samples": [{"labels": '{cluster="eu"}', "value": 1}],
                }
            ],
        },
        "1m",
    )
    assert not wrong
