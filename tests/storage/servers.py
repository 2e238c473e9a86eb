"""Servers of the monitoring, run as the project runs them, each until its test ends."""

import subprocess
from pathlib import Path

import requests
import yaml

from stack import prometheus, victoria
from tests.end_to_end.waiting import until


class Server:
    """A running program that answers HTTP at `url`."""

    def __init__(self, command, url, directory, environment=None):
        self.url = url
        self._start = {"args": list(map(str, command)), "cwd": directory, "env": environment}
        self.start()

    def start(self):
        """Start it, and wait until it answers."""
        self._log = open(Path(self._start["cwd"]) / "log", "ab")
        self._process = subprocess.Popen(**self._start, stdout=self._log, stderr=self._log)
        until(self._is_ready, f"{self.url} answers")

    def stop(self):
        """Let it end, and wait until it has."""
        self._process.terminate()
        self._end()

    def kill(self):
        """End it where it stands."""
        self._process.kill()
        self._end()

    def get(self, path, **parameters):
        """Return the JSON that a GET is answered with."""
        answer = requests.get(f"{self.url}{path}", params=parameters, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def query(self, promql, at):
        """Return the result of an instant query at a time in seconds: (labels, value) of each series."""
        result = self.get("/api/v1/query", query=promql, time=at)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def names(self):
        """Return the names of all series that it has."""
        return set(self.get("/api/v1/label/__name__/values")["data"])

    def _is_ready(self):
        assert self._process.poll() is None, Path(self._log.name).read_text()
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _end(self):
        self._process.wait(30)
        self._log.close()


def victorias(layout):
    """Return a function for each tier, by its name, that starts its VictoriaMetrics."""
    def starter(program):
        return lambda: Server(program.command, f"http://127.0.0.1:{getattr(layout.ports, program.name)}", layout.state)

    return {program.name: starter(program) for program in victoria.programs(layout)}


def start_prometheus(layout, rules, changes=None, environment=None):
    """Start Prometheus with the project's configuration, but these rules, no scrapes, and what `changes` says.

    :param rules: the path of a rule file
    :param changes: sections of the configuration that take the place of the project's
    """
    prometheus.configure(layout)
    path = layout.state / "prometheus.yml"
    configuration = yaml.safe_load(path.read_text())
    configuration |= {"rule_files": [str(rules)], "scrape_configs": [], **(changes or {})}
    path.write_text(yaml.safe_dump(configuration))
    [command] = [program.command for program in prometheus.programs(layout) if program.name == "prometheus"]
    return Server(command, f"http://127.0.0.1:{layout.ports.prometheus}", layout.state, environment)
