"""Unit tests of Prometheus's rules, run by promtool."""

import json
import subprocess
from pathlib import Path

import yaml

from stack import prometheus

RULES = Path(__file__).parents[2] / "prometheus" / "rules"


def groups(*names: str) -> list[dict]:
    """Return the groups of rules in the named files of prometheus/rules/, without `.yml`; of all files if none is."""
    paths = [RULES / f"{name}.yml" for name in names] or sorted(RULES.glob("*.yml"))
    return [group for path in paths for group in yaml.safe_load(path.read_text())["groups"]]


def run(folder: Path, rules: list[dict], test: dict, evaluated: str) -> str:
    """Run one test of these groups of rules, evaluated in their order; return what is wrong, or nothing.

    folder: where the files for promtool are written.
    test: as promtool wants it, see https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/.
    evaluated: time between two evaluations, such as '1m'.
    """
    # JSON is YAML, and is written and read faster
    (folder / "rules.yml").write_text(json.dumps({"groups": rules}))
    (folder / "test.yml").write_text(json.dumps({
        "rule_files": ["rules.yml"],
        "evaluation_interval": evaluated,
        "group_eval_order": [group["name"] for group in rules],
        "tests": [test],
    }))
    command = [prometheus.provide()["promtool"], "test", "rules", folder / "test.yml"]
    result = subprocess.run(command, capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def input_series(series: dict[str, str]) -> list[dict]:
    """Return series and their values, in promtool's notation, as promtool wants them."""
    return [{"series": name, "values": values} for name, values in series.items()]
