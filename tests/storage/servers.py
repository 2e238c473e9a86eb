"""Servers of the monitoring, run as the project runs them, each until its test ends."""

import signal
import subprocess

import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from stack import private
from stack.layout import PASSWORDS
from stack.services import prometheus, victoria
from tests.waiting import until


class Server:
    """A running program that answers HTTP at `url`."""

    def __init__(self, program, url, state, environment=None, ready="/-/ready"):
        self.url = url
        self._ready = f"{self.url}{ready}"
        self._log = state / f"{program.name}.log"
        self._start = {"args": list(map(str, program.command)), "cwd": program.directory, "env": environment}
        self.start()

    def start(self):
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(**self._start, stdout=log, stderr=log)
        until(self._is_ready, f"{self.url} answers")

    def stop(self):
        """Let it end, and wait until it has."""
        self._process.terminate()
        self._process.wait(30)

    def kill(self):
        """End it where it stands."""
        self._process.kill()
        self._process.wait(30)

    def reload(self):
        """Let it read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    def get(self, path, **parameters):
        """Return the JSON that a GET is answered with."""
        answer = requests.get(f"{self.url}{path}", params=parameters, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def query(self, promql, at):
        """Return the result of an instant query at a time in seconds: (labels, value) of each series."""
        result = self.get("/api/v1/query", query=promql, time=at)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def labelled(self, name, selected=()):
        """Return (labels, value) of its own samples of that name, of those with these labels if any are given."""
        text = requests.get(f"{self.url}/metrics", timeout=60).text
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and dict(selected).items() <= sample.labels.items()
        ]

    def metric(self, name):
        """Return the sum over labels of a metric that the server has of itself, 0 if it has none."""
        return sum(value for _, value in self.labelled(name))

    def names(self):
        """Return the names of all series that it has."""
        return set(self.get("/api/v1/label/__name__/values")["data"])

    def _is_ready(self):
        assert self._process.poll() is None, self._log.read_text()
        try:
            return requests.get(self._ready, timeout=5).ok
        except requests.RequestException:
            return False


def share_passwords(*layouts):
    """Let servers of several layouts log in to each other: all have the passwords of the first."""
    first, *others = layouts
    for other in others:
        for name in set(PASSWORDS.values()):
            private.folder(other.state)
            private.write(private.folder(other.state / "secrets") / name, first.secret(name))


def start_victoria(layout, name):
    """Start the VictoriaMetrics of a tier, by the name of its program."""
    [program] = [program for program in victoria.programs(layout) if program.name == name]
    return Server(program, layout.url(name), layout.state)


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
    [program] = [program for program in prometheus.programs(layout) if program.name == "prometheus"]
    return Server(program, layout.url("prometheus"), layout.state, environment)
