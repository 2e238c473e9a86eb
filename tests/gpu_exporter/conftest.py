import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from stack.services import gpu

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30


def uuid(index):
    """The UUID of a GPU of the simulator."""
    return f"GPU-00000000-0000-0000-0000-{index:012d}"


class Exporter:
    """The GPU exporter in a process of its own, on the stub of NVIDIA's library, in a folder that can change."""

    def __init__(self, folder):
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.log = folder / "exporter.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exporters.gpu_exporter", "--port", str(port)],
                cwd=ROOT,
                stderr=log,
                env={**os.environ, "LD_LIBRARY_PATH": str(folder), "NVML_STUB": str(folder)},
            )

    def text(self):
        """What the exporter serves."""
        return requests.get(self.url, timeout=10).text

    def scrape(self):
        """{series: {(values of its labels, by their names' order): value}}, without those that have no samples."""
        return {
            sample.name: {
                tuple(value for _, value in sorted(same.labels.items())): same.value
                for same in family.samples
                if same.name == sample.name
            }
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def wait(self, condition, what):
        """Scrape until `condition` holds of what is served, and return that; fail after DEADLINE_SECONDS."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        series = None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the exporter ended: {self.log.read_text()}"
            try:
                series = self.scrape()
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if condition(series):
                return series
            time.sleep(0.05)
        pytest.fail(f"waited {DEADLINE_SECONDS} s for {what}; {series}\n{self.log.read_text()}")

    def wait_until_up(self, *expected):
        """Scrape until gpu_up of GPU 0, 1, … is as expected, and return what is served."""
        up = {(str(index), uuid(index)): value for index, value in enumerate(expected)}
        return self.wait(lambda series: series["gpu_up"] == up, f"gpu_up to be {expected}")

    def control(self, *lines):
        """Make the simulator behave as these lines say: see stack/simulators/nvml.c."""
        unfinished = self.folder / "control.unfinished"
        unfinished.write_text("".join(f"{line}\n" for line in lines))
        unfinished.rename(self.folder / "control")

    def readers(self):
        """The processes that read NVML for the exporter now."""
        import psutil

        return [
            child for child in psutil.Process(self.process.pid).children() if "spawn_main" in " ".join(child.cmdline())
        ]


@pytest.fixture
def start(tmp_path):
    """Function that starts the exporter on a simulator that behaves as these lines say; library=False: without it."""
    started = []

    def start(*lines, library=True):
        if library:
            gpu.build(tmp_path)
        exporter = Exporter(tmp_path)
        started.append(exporter)
        exporter.control(*lines)
        return exporter

    yield start
    for exporter in started:
        exporter.process.terminate()
        exporter.process.wait(20)
