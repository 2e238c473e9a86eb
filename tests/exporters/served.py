"""What an exporter serves."""

import requests
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def served(url: str) -> list[Sample]:
    """Return the samples that are served at `url`."""
    response = requests.get(url, timeout=30)
    response.raise_for_status()
    return [sample for family in text_string_to_metric_families(response.text) for sample in family.samples]
