import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.waiting import until

ROOT = Path(__file__).parents[2]


class Running:
    """A simulator in a process of its own."""

    def __init__(self, name, *options, **environment):
        with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as other:
            port, mail_port = free.getsockname()[1], other.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"stack.simulators.{name}", "--port", str(port), *options],
            cwd=ROOT,
            env={"SMTP_LISTEN": f"127.0.0.1:{mail_port}", **os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        until(self.is_up, f"{name} answers")

    def is_up(self):
        assert self.process.poll() is None, "the simulator ended"
        try:
            return requests.get(f"{self.url}/health", timeout=5).ok
        except requests.RequestException:
            return False

    def get(self, path):
        return requests.get(self.url + path, timeout=10).json()

    def post(self, path, body=None, timeout=10, **kwargs):
        return requests.post(self.url + path, json=body, timeout=timeout, **kwargs)

    def abandon(self, path, body=None, **kwargs):
        """POST, and give up waiting: after enough time for the request to arrive, on a busy machine as well."""
        with pytest.raises(requests.Timeout):
            self.post(path, body, timeout=3, **kwargs)

    def control(self, **changes):
        """Change how it behaves, without latency unless asked for."""
        changes.setdefault("latency", {"median": 0, "sigma": 0})
        response = requests.put(f"{self.url}/control", json=changes, timeout=10)
        response.raise_for_status()

    def stop(self):
        """End it with SIGTERM; return what it printed and its exit status."""
        self.process.terminate()
        output, _ = self.process.communicate(timeout=60)
        return output, self.process.returncode


@pytest.fixture
def start():
    """Function that starts a simulator: start(name, *options, **environment) -> Running; all end with the test."""
    running = []

    def start(name, *options, **environment):
        running.append(Running(name, *options, **environment))
        return running[-1]

    yield start
    for simulator in running:
        if simulator.process.poll() is None:
            simulator.process.kill()
        simulator.process.communicate()
