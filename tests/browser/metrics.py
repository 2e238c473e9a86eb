"""What /metrics says of the browsers, as differences from an earlier moment."""

from collections import Counter

import requests
from prometheus_client.parser import text_string_to_metric_families

INTAKE = "/telemetry/browser"
LOADS = "odoo_ui_page_load_time_seconds"
LATENCY = "odoo_ui_interaction_latency_seconds"
VITALS = (
    "odoo_ui_largest_contentful_paint_seconds",
    "odoo_ui_interaction_to_next_paint_seconds",
    "odoo_ui_cumulative_layout_shift",
)
SOFT_VITALS = tuple(name.replace("ui_", "ui_soft_navigation_") for name in VITALS)
ERRORS = "odoo_browser_errors_total"
REFUSED = "odoo_telemetry_browser_batches_refused_total"


class Metrics:
    """The exposition of the running system, and how it moved since :meth:`begin`."""

    def __init__(self, system):
        self._url = system.url("odoo", "/metrics")
        self._headers = {"Authorization": f"Bearer {system.layout.secret('scrape-token')}"}
        self.begin()

    def begin(self):
        """Compare with this moment from now on."""
        self._before = self._read()

    def moved(self, name):
        """Return {label values in alphabetical order of the labels: by how much}, of a sample that has moved."""
        now = self._read()
        return {
            labels: value - self._before[sample, labels]
            for (sample, labels), value in now.items()
            if sample == name and value != self._before[sample, labels]
        }

    def total(self, name):
        """Return by how much all series of a sample have moved together."""
        return sum(self.moved(name).values())

    def values(self, name, label):
        """Return the values that a label of a metric has now."""
        return {
            sample.labels[label] for family in self._families() for sample in family.samples
            if sample.name == name and label in sample.labels
        }  # fmt: skip

    def _families(self):
        response = requests.get(self._url, headers=self._headers, timeout=30)
        response.raise_for_status()
        return list(text_string_to_metric_families(response.text))

    def _read(self):
        return Counter(
            {
                (
                    sample.name,
                    tuple(text for label, text in sorted(sample.labels.items()) if label != "database"),
                ): value
                for family in self._families()
                for sample in family.samples
                for value in (sample.value,)
            }
        )
