"""Prometheus and Alertmanager accelerated: a fault drill has minutes, where rules wait and look back for hours.

Every duration of the rules, of the scrapes and of the routes is divided by FACTOR, within bounds: so alerts keep their
order and their proportions, and thresholds stay as they are.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import requests
import yaml

from stack import private
from stack.console import step
from stack.services import prometheus
from stack.system import System

# `for: 2m`, the shortest of the alerts about services that faults stop, becomes 6 s: three scrapes; a FACTOR of 30
# would leave two.
FACTOR = 20
# A scrape runs a workflow in n8n and reads the database; more of them would be a load of their own.
SHORTEST_INTERVAL = 2
# A rate needs two scrapes in its range, and jobs with a scrape interval of 60 s are scraped every 3 s.
SHORTEST_RANGE = 6
# A longer window would contain a fault until the run ends: the alert about backups looks back a day.
LONGEST = 60

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
PART = re.compile(r"(\d+)(ms|[smhdwy])")
DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")
# A string of PromQL, or else a range, a subquery or an offset; names of series, such as avg_5m, are none of them.
WINDOW = re.compile(r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\[[^]"']*]|\boffset\s+-?[\da-z]+""")


def seconds(duration: str) -> float:
    """Return the seconds of a duration as Prometheus writes it, such as 1h30m."""
    return sum(int(number) * UNITS[unit] for number, unit in PART.findall(duration))


def shortened(duration: str, least: float = 0, most: float = float("inf")) -> str:
    """Return a duration divided by FACTOR, but not less nor more than so many seconds."""
    milliseconds = round(1000 * min(max(seconds(duration) / FACTOR, least), most))
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def in_expression(expression: str) -> str:
    """Return a PromQL expression with its ranges and offsets shortened."""

    def window(match: re.Match[str]) -> str:
        if match["string"]:
            return str(match[0])
        return DURATION.sub(lambda found: shortened(found[0], SHORTEST_RANGE, LONGEST), match[0])

    return WINDOW.sub(window, expression)


def _interval(duration: str) -> str:
    return shortened(duration, SHORTEST_INTERVAL, LONGEST)


def _duration(duration: str) -> str:
    return shortened(duration, most=LONGEST)


# What is shortened, by its key in the files of rules, in prometheus.yml and in alertmanager.yml.
KEYS = {
    "expr": in_expression,
    **dict.fromkeys(("for", "keep_firing_for"), _duration),
    **dict.fromkeys(("interval", "scrape_interval", "scrape_timeout", "evaluation_interval"), _interval),
    **dict.fromkeys(("group_wait", "group_interval", "repeat_interval"), shortened),
}


def accelerate(content: Any, key: str = "") -> Any:
    """Return the content of a configuration or of a file of rules with all its durations shortened."""
    if isinstance(content, dict):
        return {name: accelerate(value, name) for name, value in content.items()}
    if isinstance(content, list):
        return [accelerate(value) for value in content]
    return KEYS[key](content) if key in KEYS and isinstance(content, str) else content


@contextmanager
def accelerated(system: System) -> Iterator[None]:
    """Shorten the durations of Prometheus and Alertmanager while the body runs; they are always restored."""
    try:
        with step("accelerating Prometheus and Alertmanager"):
            _write(system)
            _load(system)
            system.processes.wait("prometheus", lambda: _evaluated(system))
        yield
    finally:
        with step("restoring the intervals of Prometheus and Alertmanager"):
            prometheus.configure(system.layout)
            _load(system)


def _write(system: System) -> None:
    state = system.layout.state
    folder = state / "drill" / "rules"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("prometheus", "alertmanager"):
        path = state / f"{name}.yml"
        content = accelerate(yaml.safe_load(path.read_text()))
        if name == "prometheus":
            for pattern in map(Path, content["rule_files"]):
                for rules in pattern.parent.glob(pattern.name):
                    text = yaml.safe_dump(accelerate(yaml.safe_load(rules.read_text())), sort_keys=False)
                    (folder / rules.name).write_text(text)
            content["rule_files"] = [str(folder / "*.yml")]
            # what is recorded at shortened intervals is not to be stored for years
            content.pop("remote_write", None)
        private.write(path, yaml.safe_dump(content, sort_keys=False))


def _load(system: System) -> None:
    """Reload both, and wait until they use the new configuration."""
    for name, answered in (("prometheus", _of_prometheus), ("alertmanager", _of_alertmanager)):
        system.processes.reload(name)
        system.processes.wait(name, partial(_is_loaded, system, name, answered))


def _is_loaded(system: System, name: str, answered: Callable[[System], dict[str, Any]]) -> bool:
    """Say whether a server has the durations of its file."""
    wanted = yaml.safe_load((system.layout.state / f"{name}.yml").read_text())
    return _evaluation_seconds(answered(system)) == _evaluation_seconds(wanted)


def _evaluated(system: System) -> bool:
    """Say whether each alert has been evaluated since the rules were reloaded."""
    answer = requests.get(system.url("prometheus", "/api/v1/rules?type=alert"), timeout=10)
    # the year 1: not yet
    return not any(group["lastEvaluation"].startswith("0001") for group in answer.json()["data"]["groups"])


def _evaluation_seconds(configuration: dict[str, Any]) -> float:
    """Return how many seconds lie between two evaluations, or two notifications of a group."""
    return seconds(configuration["global"].get("evaluation_interval") or configuration["route"]["group_interval"])


def _of_prometheus(system: System) -> dict[str, Any]:
    answer = requests.get(system.url("prometheus", "/api/v1/status/config"), timeout=10)
    configuration: dict[str, Any] = yaml.safe_load(answer.json()["data"]["yaml"])
    return configuration


def _of_alertmanager(system: System) -> dict[str, Any]:
    answer = requests.get(system.url("alertmanager", "/api/v2/status"), timeout=10)
    configuration: dict[str, Any] = yaml.safe_load(answer.json()["config"]["original"])
    return configuration
