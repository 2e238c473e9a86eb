"""Dashboards show the clusters that are chosen, and all of a system that has no label for them."""

import re

import pytest

from grafana_dashboards.generator.queries import in_cluster
from tests.promql import matchers, selectors

from .reading import ASKED, each_dashboard, interpolated

CHOSEN = 'cluster=~"$cluster"'


def unselected(expr):
    """The selectors of an expression that do not take the chosen clusters."""
    stood_for = interpolated(expr.replace("$cluster", "CLUSTER"))
    wanted = ("cluster", "CLUSTER")
    return [
        selector.name
        for selector in selectors(stood_for)
        if wanted not in [(matcher.name, matcher.value) for matcher in matchers(selector)]
    ]


def test_what_is_not_of_the_cluster_is_noticed():
    assert unselected(f"sum(up{{{CHOSEN}}}) / on () other") == ["other"]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("sum by (le) (rate(a_bucket[5m]))", f"sum by (le) (rate(a_bucket{{{CHOSEN}}}[5m]))"),
        ('a{b=~"x{2}|or"} > bool 0.5', f'a{{b=~"x{{2}}|or", {CHOSEN}}} > bool 0.5'),
        ("a:b:rate_5m and on (c) d offset 5m", f"a:b:rate_5m{{{CHOSEN}}} and on (c) d{{{CHOSEN}}} offset 5m"),
        ('label_replace(a, "b", "$1", "c", "d")', f'label_replace(a{{{CHOSEN}}}, "b", "$1", "c", "d")'),
        ("time() - $__range_s - 1e3", "time() - $__range_s - 1e3"),
    ],
)
def test_each_selector_of_an_expression_takes_it(expr, expected):
    assert in_cluster(expr) == expected


def test_each_query_takes_the_chosen_clusters():
    assert {asked.name: found for asked in ASKED if (found := unselected(asked.target["expr"]))} == {}


@each_dashboard
def test_a_cluster_can_be_chosen(dashboard):
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    cluster = variables.pop("cluster")
    assert cluster["query"]["query"] == "label_values(up, cluster)"
    assert cluster["allValue"] == ".*" and cluster["current"]["value"] == ["$__all"]
    asked = [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
    for variable in variables.values():
        if variable["type"] == "query":
            asked += re.findall(r"label_values\((.+), \w+\)", variable["query"]["query"])
    assert asked and [unselected(expr) for expr in asked if unselected(expr)] == []
