"""The GPU exporter in the running system, where the simulated GPU works on the AI service's images."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from stack.scenarios.demo import control
from stack.services import gpu
from tests.waiting import until

GPU = {"gpu": "0", "uuid": "GPU-00000000-0000-0000-0000-000000000000"}
DEADLINE_SECONDS = 90


@pytest.fixture
def gpu_of(stack):
    """Function gpu_of(series): the samples of a series in Prometheus, as [(labels, value)]."""
    if gpu.present():
        pytest.skip("this machine has a GPU, whose behaviour can't be set")

    def query(series):
        answer = requests.get(stack.url("prometheus", "/api/v1/query"), {"query": series}, timeout=10).json()
        return [
            (
                {name: value for name, value in sample["metric"].items() if name not in ("__name__", "instance")},
                float(sample["value"][1]),
            )
            for sample in answer["data"]["result"]
        ]

    yield query
    gpu.control(stack.layout)


def test_prometheus_knows_the_gpu_and_when_it_is_away(stack, gpu_of):
    labels = {**GPU, "host": "influencegen-1", "job": "gpu"}
    until(lambda: gpu_of("gpu_up") == [(labels, 1)], "the GPU", DEADLINE_SECONDS)
    [(info, _)] = gpu_of("gpu_info")
    assert info["name"] == "Simulated GPU (no hardware)"
    gpu.control(stack.layout, "all error 9")
    until(lambda: gpu_of("gpu_up") == [(labels, 0)], "the GPU to be away", DEADLINE_SECONDS)
    assert gpu_of("gpu_utilization_percent") == []
    gpu.control(stack.layout)
    until(lambda: gpu_of("gpu_up") == [(labels, 1)], "the GPU to be back", DEADLINE_SECONDS)


def test_the_simulator_works_on_the_images_of_the_ai_service(stack, gpu_of):
    def utilization():
        [line] = [
            line
            for line in requests.get(stack.url("gpu", "/metrics"), timeout=10).text.splitlines()
            if line.startswith("gpu_utilization_percent{")
        ]
        return float(line.split()[-1])

    def order(number):
        return requests.post(
            stack.url("ai", "/v1/images"),
            json={"model": "flux", "prompt": f"fox {number}"},
            timeout=30,
            headers={"Authorization": f"Bearer {stack.layout.secret('ai-service')}"},
        ).status_code

    before = control(stack, "ai", {"slow_rate": 1, "slow_seconds": 5})
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(order, number) for number in range(4)]
            until(lambda: utilization() == 50, "four images of eight", DEADLINE_SECONDS)
            assert [answer.result() for answer in answers] == [200] * 4
    finally:
        control(stack, "ai", before)
    until(lambda: utilization() == 0, "an idle GPU", DEADLINE_SECONDS)
