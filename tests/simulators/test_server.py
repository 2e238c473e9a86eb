"""What every simulator can: tried on the AI service and the KYC provider."""

import math
import socket
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from stack.simulators.server import Simulator
from tests.waiting import until

ROOT = Path(__file__).parents[2]
IMAGE = {"model": "flux", "prompt": "a fox", "parameters": {"width": 64, "height": 64}}


@pytest.fixture
def ai(start):
    ai = start("ai_service")
    ai.control()
    return ai


def test_a_configured_share_fails_and_the_log_is_exact(ai):
    ai.control(fail_rate=0.3)
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: ai.post("/v1/images", IMAGE).status_code, range(100)))
    assert set(statuses) == {200, 500}
    log = ai.get("/log")
    assert log["requests"] == {"/v1/images": {"200": statuses.count(200), "500": statuses.count(500)}}
    assert {fault: count for fault, count in log["faults"].items() if count} == {"fail": statuses.count(500)}


def test_a_timeout_is_never_answered(ai):
    ai.control(timeout_rate=1)
    ai.abandon("/v1/images", IMAGE)
    log = until(lambda: (log := ai.get("/log"))["requests"] and log, "the request in the log")
    assert log["requests"] == {"/v1/images": {"none": 1}}
    assert log["faults"]["timeout"] == 1


def test_an_answer_takes_the_latency_that_was_asked_for(ai):
    ai.control(latency={"median": 0.3, "sigma": 0})
    assert ai.post("/v1/images", IMAGE).elapsed.total_seconds() >= 0.3


def test_latency_is_lognormal_around_its_median():
    simulator = Simulator()
    simulator.control["latency"] = {"median": 0.2, "sigma": 0.5}
    logarithms = [math.log(simulator.draw_latency()) for _ in range(4000)]
    assert statistics.median(logarithms) == pytest.approx(math.log(0.2), abs=0.05)
    assert statistics.stdev(logarithms) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    "change",
    [
        {"fail_rate": 2},
        {"fail_rate": -0.1},
        {"fail_rate": "often"},
        {"fail_rate": 0.6, "timeout_rate": 0.6},
        {"html_rate": 0.6, "huge_rate": 0.6},
        {"slow_seconds": "long"},
        {"mood": 1},
        {"latency": 3},
        {"latency": {"median": 1}},
        [],
    ],
)
def test_a_senseless_control_is_refused_and_changes_nothing(ai, change):
    before = ai.get("/control")
    assert requests.put(f"{ai.url}/control", json=change, timeout=10).status_code == 400
    assert ai.get("/control") == before


def test_control_changes_only_the_keys_given(ai):
    before = ai.get("/control")
    requests.put(f"{ai.url}/control", json={"fail_rate": 0.5}, timeout=10)
    assert ai.get("/control") == {**before, "fail_rate": 0.5}


def test_an_idle_request_does_not_delay_the_end(ai):
    ai.control(timeout_rate=1)
    ai.abandon("/v1/images", IMAGE)
    assert ai.stop() == ("", 0)


def test_the_log_outlives_a_restart(start, tmp_path):
    first = start("ai_service", "--state-dir", str(tmp_path))
    first.control()
    first.post("/v1/images", IMAGE)
    log = first.get("/log")
    first.stop()
    assert start("ai_service", "--state-dir", str(tmp_path)).get("/log") == log


def test_a_taken_port_is_a_clear_message():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, "-m", "stack.simulators.ai_service", "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
