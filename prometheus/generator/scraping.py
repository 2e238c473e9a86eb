"""How often Prometheus scrapes what, as prometheus.yml has it."""

from pathlib import Path

import yaml

CONFIGURATION = Path(__file__).parents[1] / "prometheus.yml"

_CONTENT = yaml.safe_load(CONFIGURATION.read_text())
_DEFAULT = _CONTENT["global"]["scrape_interval"]

JOBS: dict[str, int] = {
    job["job_name"]: int(job.get("scrape_interval", _DEFAULT).removesuffix("s")) for job in _CONTENT["scrape_configs"]
}
"""Seconds between two scrapes of each job."""

GROUPS: dict[str, int] = {
    group: JOBS[job["job_name"]]
    for job in _CONTENT["scrape_configs"]
    for group in job.get("params", {}).get("group[]", ())
}
"""Seconds between two scrapes of each group of the catalogue."""
