"""A real Prometheus with nothing in it, which runs the queries of the runbooks."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from stack import prometheus
from stack.ports import Ports
from tests.end_to_end.waiting import until

# The package metrics imports nothing of Odoo; the addon that holds it does.
sys.path.append(str(Path(__file__).parents[2] / "influencegen_telemetry"))


@pytest.fixture(scope="session")
def ask(tmp_path_factory):
    """Function ask(endpoint, query): what the API answers for a query, as data; fail with what it says is wrong."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{Ports.free().prometheus}"
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [prometheus.provide()["prometheus"], f"--config.file={folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"], stdout=log, stderr=log)

    def ready():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return requests.get(f"http://{address}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def ask(endpoint, query):
        answer = requests.get(f"http://{address}/api/v1/{endpoint}", {"query": query}, timeout=10).json()
        assert answer["status"] == "success", f"{query}\n{answer.get('error')}"
        return answer["data"]

    until(ready, "Prometheus answers")
    yield ask
    process.kill()
    process.wait()
