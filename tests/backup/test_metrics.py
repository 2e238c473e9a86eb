"""What the exporter serves agrees with the catalogue, and with Prometheus' conventions."""

import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from influencegen_telemetry.business import catalogue
from tests.waiting import until

pytestmark = pytest.mark.system


def test_the_series_are_those_of_the_catalogue(exporter, promtool):
    with exporter.serving():
        until(lambda: exporter.jobs("platform") == (1, 1), "the first job has ended")
        text = exporter.text()
    served = {(f"{family.name}_total" if family.type == "counter" else family.name, family.type, family.documentation)
              for family in text_string_to_metric_families(text)}  # fmt: skip
    assert served == {(metric.name, metric.kind, metric.help) for metric in catalogue.METRICS.values()
                      if metric.producer == "backup"}  # fmt: skip
    assert subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True).stderr == ""
