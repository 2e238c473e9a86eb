"""The chart, rendered by Helm itself."""

import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "kubernetes"

helm = pytest.importorskip("helm_python", reason="Helm's library has no wheel for this processor")


def render(values=None):
    """Return the objects that the chart makes of values, by their kind; the release is named telemetry."""
    objects = defaultdict(list)
    for path, text in _texts(json.dumps(values or {})).items():
        for found in filter(None, yaml.load_all(text, yaml.CSafeLoader) if path.endswith(".yaml") else ()):
            objects[found["kind"]].append(found)
    return objects


@cache
def _texts(values):
    with helm.Chart.load(CHART) as chart:
        return chart.render(json.loads(values), name="telemetry", namespace="shop")
