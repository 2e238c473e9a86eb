"""What is required of the telemetry: docs/requirements.yml."""

from pathlib import Path

import yaml

_CONTENT = yaml.safe_load((Path(__file__).parents[1] / "docs" / "requirements.yml").read_text())
METRICS = _CONTENT["metrics"]
ALERTS = _CONTENT["alerts"]
DASHBOARDS = _CONTENT["dashboards"]
RETENTION = _CONTENT["retention"]
