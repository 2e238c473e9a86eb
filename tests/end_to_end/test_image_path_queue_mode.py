"""n8n in queue mode: two workers share the work of one main process, through Redis."""

import os
import signal

import pytest

from stack.services import n8n
from stack.verify import reconcile
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("queue_mode")
WORKERS = ("n8n-worker-1", "n8n-worker-2")
WAITING = "influencegen:n8n_workflow_execution_queue_length:max"


def executed(system, worker):
    """Return how many executions a worker says that it has begun."""
    return (system.layout.logs / f"{worker}.log").read_text().count("Worker started execution")


def test_workers_share_the_work(system, image_path):
    before = {worker: executed(system, worker) for worker in WORKERS}
    images = [image_path.ask() for _ in range(20)]
    image_path.until_done(*images)
    until(lambda: all(executed(system, worker) > before[worker] for worker in WORKERS), "both workers have worked")
    image_path.assert_agreed()


def test_worker_killed(system, image_path):
    image_path.limit(ai_timeout_seconds=30)
    image_path.ai(latency={"median": 10, "sigma": 0})
    images = [image_path.ask() for _ in range(6)]
    running = "SELECT count(*) FROM influencegen.call WHERE status_class IS NULL"
    until(lambda: image_path.query(running) == [(6,)], "all are being made")
    image_path.ai(latency={"median": 0.1, "sigma": 0})
    os.kill(system.processes.pid(WORKERS[0]), signal.SIGKILL)
    image_path.until_done(*images, seconds=120)
    image_path.assert_agreed()


def test_queue_length_while_no_worker_is_there(system, image_path):
    for worker in WORKERS:
        system.processes.stop(worker)
    image_path.ask()
    until(lambda: reconcile.query(system, f"{WAITING} > 0"), "Prometheus sees the queue")
    for worker in WORKERS:
        system.processes.start(worker)
    until(lambda: n8n.answers(system.layout), "the workers are back", 120)
    until(lambda: reconcile.query(system, f"{WAITING} == 0"), "Prometheus sees the queue empty")
    image_path.assert_agreed()


def test_redis_lost(system, image_path):
    image_path.limit(ai_timeout_seconds=30)
    image_path.ai(latency={"median": 5, "sigma": 0})
    for _image in range(6):
        image_path.ask()
    os.kill(system.processes.pid("redis"), signal.SIGKILL)
    image_path.ask()
    until(lambda: n8n.answers(system.layout), "n8n answers again", 120)
    until(lambda: image_path.state(image_path.ask()) != "failed", "n8n takes images again")
    image_path.settle(180)
    assert len(image_path.images(("state", "=", "done"))) >= 7
    image_path.assert_agreed()
