"""A failure around telemetry loses a value and logs a line, and never affects the business."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from influencegen import signing
from stack.services import n8n, odoo, postgres
from stack.system import answers
from stack.verify import reconcile
from tests.waiting import until

from .load import Load, behave, document
from .pressure import ATTEMPTS, agreed, settle, value
from .workers import Workers


@pytest.fixture
def directory(system):
    """The folder of the metrics."""
    return odoo.files(system.layout) / "odoo_telemetry"


@contextmanager
def business(back_office):
    """Do business during the block and a while longer, and fail if any of it fails."""
    with Load(back_office, clients=4) as load:
        yield
        load.go_on(10)
    assert load.failures == []


@contextmanager
def logged(system, reason, text):
    """Fail unless the log says ``text`` (a pattern) during the block, at most once a minute in each process.

    Fail also unless telemetry's own errors of that reason are more afterwards.
    """
    log, before, begun = system.layout.logs / "odoo.log", errors(system, reason), time.monotonic()
    begin = log.stat().st_size
    yield
    until(lambda: errors(system, reason) > before, f"errors of reason {reason} are counted")
    with open(log, errors="replace") as lines:
        lines.seek(begin)
        speakers = re.findall(rf"^\S+ \S+ (\d+) WARNING .*Telemetry, {reason}: .*{text}", lines.read(), re.MULTILINE)
    assert speakers
    most = 1 + (time.monotonic() - begun) // 60
    assert all(speakers.count(pid) <= most for pid in speakers)


def errors(system, reason):
    """Return how many of telemetry's own errors were counted for ``reason``; 0 while /metrics can't say."""
    try:
        found = reconcile.exposed(system, ["odoo_telemetry_errors_total"])
    except requests.HTTPError:
        return 0
    return sum(number for (_name, labels), number in found.items() if ("reason", reason) in labels)


def assert_agreed(system, back_office):
    settle(back_office)
    lines = agreed(system, value(system, ATTEMPTS))
    assert all(line.agrees for line in lines), "\n" + reconcile.table(line for line in lines if not line.agrees)


@contextmanager
def mounted(*arguments, on):
    """Have a file system mounted on a folder during the block; without the right to it the test is skipped."""
    done = subprocess.run(["mount", *arguments, on], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}; tests/store limits the size of files instead")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", on], check=True)


# ---------------------------------------------------------------------- the folder of the metrics


def test_deleted_folder(system, back_office, directory):
    counted = "odoo_http_requests_total", "odoo_worker_cpu_seconds_total", "odoo_cron_runs_total", ATTEMPTS
    before = {name: value(system, name) for name in counted}
    with logged(system, "directory", "was deleted"), business(back_office):
        # moved away first: a worker that adds a file just now would keep it from being deleted
        shutil.rmtree(directory.rename(directory.with_name("deleted")))
        until((directory / "store" / "slots").exists, "the folder is made again")
        for _ in range(20):
            after = {name: value(system, name) for name in counted}
            assert all(after[name] >= before[name] for name in counted), (before, after)
            before = after
    assert_agreed(system, back_office)


def test_all_kinds_of_workers_are_alive_without_traffic(system, directory):
    shutil.rmtree(directory.rename(directory.with_name("deleted")))

    def gevent():
        found = reconcile.exposed(system, ["odoo_workers_active"])
        return sum(number for (_name, labels), number in found.items() if ("kind", "gevent") in labels)

    until(lambda: gevent() == 1, "the worker that nobody asked for anything is alive")


def test_read_only_folder(system, back_office, directory):
    with (
        logged(system, "disk", "Read-only file system"),
        mounted("--bind", "-o", "ro", directory, on=directory),
        business(back_office),
    ):
        Workers(system).recycle_all()
        assert value(system, ATTEMPTS)
    assert_agreed(system, back_office)


def test_full_disk(system, back_office, directory):
    workers = Workers(system)
    master = system.processes.pid("odoo")
    http_workers = len(workers.pids("WorkerHTTP"))
    with mounted("-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", on=directory):
        until((directory / "store" / "slots").exists, "the empty file system is in use")
        with logged(system, "disk", "No space left"), business(back_office):
            fill(directory / "filler")
            os.kill(master, signal.SIGTTIN)
            until(lambda: errors(system, "disk"), "a worker too many finds no space")
            assert value(system, "odoo_http_requests_total")
            (directory / "filler").unlink()
    os.kill(master, signal.SIGTTOU)
    os.kill(workers.pids("WorkerHTTP")[0], signal.SIGINT)
    until(lambda: len(workers.pids("WorkerHTTP")) == http_workers, "the worker too many has ended")
    assert_agreed(system, back_office)


def fill(path):
    """Write zeros until the disk is full."""
    with open(path, "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))


# ---------------------------------------------------------------------- the database


def under_way(system):
    """Return how many executions n8n has under way."""
    return sum(reconcile.exposed_by_n8n(system, ["n8n_workflow_active_executions"]).values())


def unready(system):
    """Return what readiness says of the database while it is refused, else None."""
    health = requests.get(system.url("odoo", "/telemetry/health"), timeout=10)
    return health.json()["checks"]["database"] if health.status_code == 503 else None


def test_database_down(system, back_office):
    """Without its database, Odoo 19 answers, and soon exits by itself; once both are back, all is as it was."""
    # n8n never writes the end of an execution that its database does not see
    until(lambda: system.n8n_mode.stub or not under_way(system), "n8n's executions have ended")
    before = value(system, ATTEMPTS)
    os.kill(system.processes.pid("postgres"), signal.SIGQUIT)
    until(lambda: "postgres" not in system.processes.running(), "PostgreSQL is down")
    try:
        begun = time.monotonic()
        assert value(system, ATTEMPTS) == before
        assert time.monotonic() - begun < 5
        # a worker that was asked right before keeps its answer for a second
        until(lambda: unready(system) == "failed", "a probe sees that the database is down", 5)
    finally:
        system.processes.start("postgres")
        system.processes.wait("postgres", lambda: postgres.answers(system.layout))
        if not system.n8n_mode.stub:
            # its connections do not always come back by themselves
            system.processes.stop("n8n")
            system.processes.start("n8n")
            system.processes.wait("n8n", lambda: n8n.answers(system.layout))
    system.processes.start("odoo")
    until(lambda: answers(system.url("odoo", "/telemetry/health")), "Odoo is ready again", 120)
    assert value(system, ATTEMPTS) == before
    with business(back_office):
        pass
    assert_agreed(system, back_office)


# ---------------------------------------------------------------------- what must be refused


def test_unknown_token(system):
    with logged(system, "unauthorized", "refused"):
        response = requests.get(system.url("odoo", "/metrics"), headers={"Authorization": "Bearer nobody"}, timeout=10)
        assert response.status_code == 401
        assert "token" in response.text
        assert requests.get(system.url("odoo", "/metrics"), timeout=10).status_code == 401


def test_bad_label_value(system):
    capped = "odoo_telemetry_labels_folded_total"
    before = value(system, capped)
    requests.request("BREW", system.url("odoo", "/web/login"), timeout=10)
    until(lambda: value(system, capped) > before, "the unknown method is capped, and that is counted")


@pytest.fixture
def image(system, back_office):
    """The id of an image request that waits for its callback."""
    behave(system, "ai", latency={"median": 8, "sigma": 0}, fail_rate=0, timeout_rate=0)
    person = next(iter(back_office.influencers.values()))
    yield person.submit("/my/influencegen/images", model="sdxl", prompt="A lighthouse")["request_id"]
    behave(system, "ai", latency={"median": 0.05, "sigma": 0.5})


@pytest.fixture
def deliver(system):
    """A function of (body, timestamp, secret) that delivers a signed callback and returns the response."""

    def deliver(body, timestamp=None, secret=None):
        return post(system, body, signing.sign(secret or system.layout.secret("webhook"), body, timestamp))

    return deliver


def post(system, body, headers):
    return requests.post(
        system.url("odoo", "/influencegen/image/callback"), data=body, timeout=30,
        headers={"Content-Type": "application/json", **headers},
    )  # fmt: skip


def result(image):
    """Return the body of the callback that delivers ``image``."""
    picture = base64.b64encode(document()["document"][1]).decode()
    return json.dumps({"request_id": image, "status": "done", "image": picture, "mimetype": "image/png"}).encode()


def test_refused_callbacks(image, deliver):
    huge = deliver(result(image) + b" " * (10 * 1024 * 1024))
    forged = deliver(result(image), secret="guessed")
    late = deliver(result(image), timestamp=time.time() - 400)
    unreadable = deliver(b"no JSON")
    unknown = deliver(result("00000000-0000-4000-8000-000000000000"))
    answers = [huge, forged, late, unreadable, unknown]
    assert [answer.status_code for answer in answers] == [413, 401, 401, 400, 404]
    assert all(answer.json()["error"] for answer in answers)


def test_replayed_callback(system, image):
    body = result(image)
    headers = signing.sign(system.layout.secret("webhook"), body)
    accepted, replayed = post(system, body, headers), post(system, body, headers)
    assert (accepted.status_code, replayed.status_code) == (200, 409)
    assert replayed.json()["error"]
