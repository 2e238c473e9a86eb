import re

import pytest

from stack.verify import coverage


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (None, {}),
        ("node_memory_MemTotal_bytes", {"system.memory.utilization": "node_exporter"}),
        ("odoo_ui_page_load_time_seconds_count", {"odoo.ui.page_load_time_seconds": "browser"}),
        ("telemetry:system_availability:percent_1m", {"system.availability.percentage": "blackbox_exporter"}),
    ],
)
def test_a_metric_without_one_of_its_series_or_its_rule_is_missing(monkeypatch, lost, missing):
    def query(_system, expression):
        [names] = re.findall(r'__name__=~"(.+)"', expression)
        return [{"metric": {"__name__": name}} for name in names.split("|") if name != lost]

    monkeypatch.setattr(coverage, "query", query)
    assert coverage.missing(None) == missing
