"""Panels about many databases show the same values for the chosen ones as the metrics themselves."""

import re
import time

import pytest
from prometheus_client import CollectorRegistry, Histogram, start_http_server

from stack.layout import Layout
from stack.ports import Ports
from tests.rules import promtool
from tests.rules.test_clusters import twice
from tests.storage.servers import start_prometheus
from tests.waiting import until

from .reading import ASKED

REQUESTS = "odoo_http_request_duration_seconds"
CHOICES = {
    "all": ({}, {"p50": 1, "routes": {"/fast": 0.95, "/slow": 4.8}, "failed": {"m": 18}, "total": {"m": 108000}}),
    "a database": (
        {"database": "x"},
        {"p50": 0.5, "routes": {"/fast": 0.95}, "failed": {"m": 6}, "total": {"m": 36000}},
    ),
    "two of three": (
        {"database": "(y|z)"},
        {"p50": 3, "routes": {"/slow": 4.8}, "failed": {"m": 12}, "total": {"m": 72000}},
    ),
    "a server": ({"instance": "b"}, {"p50": 3, "routes": {"/slow": 4.8}, "failed": {"m": 6}, "total": {"m": 36000}}),
}
"""What is chosen, and what panels show of it: the database x of server a is fast, y of b is slow, z of c is idle."""
QUERIES = {
    "p50": "odoo-system-health: Request latency B",
    "routes": "odoo-system-health: Slowest routes (p95) A",
    "failed": "odoo-models: Failed calls per minute by model A",
    "total": "odoo-models: Models by total time A",
}
EXPRESSIONS = {asked.name: asked.target["expr"] for asked in ASKED}


def chosen(expression, **values):
    """A query as Grafana sends it: what is not chosen is `.*`."""
    for name, value in {"__rate_interval": "4m", "__range": "1h", **values}.items():
        expression = re.sub(rf"\${name}\b", value, expression)
    return re.sub(r"\$[a-z]\w+", ".*", expression)


def bucket(whose, route, bound, values):
    return f'{REQUESTS}_bucket{{{whose}, route="{route}", method="GET", status_code_class="2xx", le="{bound}"}}', values


def series():
    """Each minute a request to /fast of x, within 1 s, and one to /slow of y, within 1 to 5 s; and jobs."""
    found = []
    for whose, route, within in (
        ('instance="a", database="x"', "/fast", ("1.0", "5.0", "+Inf")),
        ('instance="b", database="y"', "/slow", ("5.0", "+Inf")),
        ('instance="a", database="x"', "/queue_job/runjob", ("+Inf",)),
    ):
        found += [
            bucket(whose, route, bound, "0+6x180" if bound in within else "0x180") for bound in ("1.0", "5.0", "+Inf")
        ]
    for whose in ('instance="a", database="x"', 'instance="b", database="y"', 'instance="c", database="z"'):
        method = f'{whose}, model="m", method="read"'
        found.append((f'odoo_rpc_calls_total{{{method}, outcome="error"}}', "0+6x180"))
        found.append((f"odoo_rpc_duration_seconds_sum{{{method}}}", "0+600x180"))
    return dict(found)


def expected(shown):
    labels = {"routes": "route", "failed": "model", "total": "model"}
    for what, values in shown.items():
        samples = values.items() if isinstance(values, dict) else [("", values)]
        yield (
            what,
            [{"labels": f'{{{labels[what]}="{name}"}}' if name else "{}", "value": value} for name, value in samples],
        )


@pytest.mark.parametrize("clusters", ["", "eu"])
@pytest.mark.parametrize("choice", CHOICES)
def test_a_panel_shows_what_is_chosen(choice, clusters, tmp_path):
    """With a second cluster, in which all is named alike, one is chosen."""
    values, shown = CHOICES[choice]
    values = {**values, **({"cluster": clusters} if clusters else {})}
    wrong = promtool.run(
        tmp_path,
        promtool.groups("odoo_recording_fleet"),
        {
            "name": choice,
            "interval": "1m",
            "input_series": promtool.input_series(twice(series()) if clusters else series()),
            "promql_expr_test": [
                {
                    "expr": f"round({chosen(EXPRESSIONS[QUERIES[what]], **values)}, 0.01)",
                    "eval_time": "3h",
                    "exp_samples": samples,
                }
                for what, samples in expected(shown)
            ],
        },
        "1m",
    )
    assert not wrong


@pytest.mark.servers
def test_a_panel_finds_the_exemplars_of_all_databases(tmp_path):
    """Its lines are of recorded series, which have none."""
    registry = CollectorRegistry()
    requests = Histogram(REQUESTS, "", ("database", "route"), registry=registry)
    requests.labels("x", "/web").observe(0.5, {"trace_id": "abc"})
    odoo, _thread = start_http_server(0, "127.0.0.1", registry)
    job = {"job_name": "odoo", "scrape_interval": "200ms", "scrape_timeout": "200ms"}
    job["static_configs"] = [{"targets": [f"127.0.0.1:{odoo.server_port}"]}]
    server = start_prometheus(Layout(tmp_path, Ports.free()), "none.yml", {"scrape_configs": [job]})
    query = chosen(EXPRESSIONS["odoo-system-health: Request latency A"])

    def found():
        answer = server.get("/api/v1/query_exemplars", query=query, start=0, end=4e9)["data"]
        return [exemplar["labels"] for each in answer for exemplar in each["exemplars"]]

    try:
        until(found, "Prometheus has the exemplar")
        assert found() == [{"trace_id": "abc"}]
        ended = time.time()
        lines = server.get("/api/v1/query_range", query=query, start=ended - 10, end=ended, step=1)["data"]["result"]
        assert lines == []
    finally:
        server.kill()
        odoo.shutdown()
