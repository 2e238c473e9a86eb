"""The annotations of a dashboard."""

import pytest

from tests.rules import promtool

from .reading import DASHBOARDS, interpolated

[STARTED] = {
    annotation["expr"]
    for annotation in DASHBOARDS["odoo_system_health"]["annotations"]["list"]
    if annotation["name"] == "Deployments and restarts"
}
SERIES = 'namedprocess_namegroup_oldest_start_time_seconds{host="h", service_name="odoo"}'


@pytest.mark.parametrize(
    ("values", "marked"),
    [
        # started at 60 s before the test began, one sample a minute; stopped after 10 minutes
        ("-60x9 0x20", ()),
        # stopped after 10 minutes, and started again 20 minutes and a half after the beginning
        ("-60x9 0x10 1230x20", (21, 22, 23, 24)),
        # restarted between two samples
        ("-60x9 570x20", (10, 11, 12, 13)),
        # the oldest of several processes ended; the next one is older than the mark is long
        ("-60x29 600x20", ()),
    ],
    ids=["stopped", "stopped and started", "restarted", "one of several ended"],
)
def test_a_start_is_marked_and_a_stop_is_not(values, marked, tmp_path):
    expr = f"count({interpolated(STARTED)})"
    assert not promtool.run(tmp_path, [], {
        "name": "starts",
        "interval": "1m",
        "input_series": promtool.input_series({SERIES: values}),
        "promql_expr_test": [
            {"expr": expr, "eval_time": f"{minute}m",
             "exp_samples": [{"labels": "{}", "value": 1}] if minute in marked else []}
            for minute in range(5, 40)
        ],
    }, "1m")  # fmt: skip
