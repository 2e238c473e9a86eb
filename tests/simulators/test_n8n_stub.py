import base64
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from PIL import Image

from stack.simulators.n8n_stub import TRIES, signing
from tests.waiting import until

SECRET = "the secret of this test"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Platform(ThreadingHTTPServer):
    """Receives callbacks; answers with the statuses of `answers`, then 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Callback)
        self.url = f"http://127.0.0.1:{self.server_port}/influencegen/image/callback"
        self.callbacks, self.answers, self.traces = [], [], []


class Callback(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signing.verify(SECRET, body, self.headers)
        self.server.callbacks.append(json.loads(body))
        self.server.traces.append(self.headers["traceparent"])
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def platform():
    platform = Platform()
    threading.Thread(target=platform.serve_forever, daemon=True).start()
    yield platform
    platform.shutdown()
    platform.server_close()


@pytest.fixture
def ai(start):
    ai = start("ai_service")
    ai.control()
    return ai


@pytest.fixture
def n8n(start, ai):
    n8n = start("n8n_stub", INFLUENCEGEN_WEBHOOK_SECRET=SECRET, AI_SERVICE_URL=ai.url)
    n8n.control()
    return n8n


def ask(n8n, platform, request_id="one", secret=SECRET, timestamp=None, **change):
    body = json.dumps(
        {
            "request_id": request_id,
            "model": "flux",
            "prompt": "a fox",
            "parameters": {"width": 64, "height": 64},
            "callback_url": platform.url,
            **change,
        }
    ).encode()
    return requests.post(
        f"{n8n.url}/webhook/influencegen-image",
        data=body,
        timeout=10,
        headers={"traceparent": TRACE, **signing.sign(secret, body, timestamp)},
    )


@pytest.fixture
def settled(n8n):
    """Function that returns n8n's log once nothing is in progress any more."""
    return lambda: until(
        lambda: not (log := n8n.get("/log"))["pending"] and sum(log["results"].values()) and log,
        "the end of the work in progress",
    )


def test_a_request_comes_back_as_an_image(n8n, platform, settled):
    assert ask(n8n, platform).status_code == 202
    assert settled()["results"] == {"done": 1, "failed": 0, "undelivered": 0}
    [callback] = platform.callbacks
    assert (callback["request_id"], callback["status"], callback["mimetype"]) == ("one", "done", "image/png")
    assert Image.open(io.BytesIO(base64.b64decode(callback["image"]))).size == (64, 64)


def test_the_trace_is_handed_on(n8n, platform, settled):
    ask(n8n, platform)
    settled()
    assert platform.traces == [TRACE]


def test_the_answer_does_not_wait_for_the_work(n8n, ai, platform, settled):
    ai.control(latency={"median": 4, "sigma": 0})
    assert ask(n8n, platform).elapsed.total_seconds() < 4
    assert n8n.get("/log")["pending"] == 1
    settled()


@pytest.mark.parametrize("forgery", [{"secret": "another"}, {"timestamp": time.time() - 301}])
def test_a_bad_signature_is_refused(n8n, platform, forgery):
    assert ask(n8n, platform, **forgery).status_code == 401
    unsigned = n8n.post("/webhook/influencegen-image", {"request_id": "one"})
    assert unsigned.status_code == 401
    assert n8n.get("/log")["pending"] == 0


def test_an_incomplete_request_is_refused(n8n, platform):
    assert ask(n8n, platform, prompt="").status_code == 400


def test_a_repeated_request_is_worked_on_once(n8n, platform, settled):
    assert [ask(n8n, platform).status_code for _ in range(3)] == [202] * 3
    settled()
    assert len(platform.callbacks) == 1


@pytest.mark.parametrize("fault", ["fail_rate", "garbage_rate", "timeout_rate"])
def test_the_ai_service_is_tried_a_bounded_number_of_times_and_failure_is_reported(n8n, ai, platform, fault, settled):
    ai.control(**{fault: 1})
    if fault == "timeout_rate":
        n8n.control(ai_timeout=1)
    ask(n8n, platform)
    assert settled()["results"]["failed"] == 1
    [callback] = platform.callbacks
    assert callback["status"] == "failed" and callback["error"] and "image" not in callback
    # the service notes a try that was given up only when it learns that the connection was closed
    until(lambda: len(ai.get("/log")["tries"]) >= TRIES, "all tries are noted")
    assert len(ai.get("/log")["tries"]) == TRIES


def test_an_order_that_the_ai_service_refuses_is_not_tried_again(n8n, ai, platform, settled):
    ask(n8n, platform, parameters={"width": 1})
    settled()
    assert platform.callbacks[0]["status"] == "failed"
    assert list(ai.get("/log")["tries"].values()) == ["400"]


@pytest.mark.parametrize("token, status", [("its own", "done"), ("another", "failed")])
def test_the_ai_service_gets_its_token(start, platform, token, status):
    ai = start("ai_service", AI_SERVICE_TOKEN="its own")
    ai.control()
    n8n = start("n8n_stub", INFLUENCEGEN_WEBHOOK_SECRET=SECRET, AI_SERVICE_URL=ai.url, AI_SERVICE_TOKEN=token)
    ask(n8n, platform)
    until(lambda: platform.callbacks, "the callback")
    assert platform.callbacks[0]["status"] == status


def test_the_ai_service_that_is_away_ends_in_failure(n8n, ai, platform, settled):
    ai.stop()
    ask(n8n, platform)
    assert settled()["results"]["failed"] == 1


def test_the_callback_is_tried_again_while_the_platform_fails(n8n, platform, settled):
    platform.answers = [500, 503]
    ask(n8n, platform)
    assert settled()["results"]["done"] == 1
    assert [callback["status"] for callback in platform.callbacks] == ["done"] * 3


def test_a_callback_that_had_arrived_counts_as_delivered(n8n, platform, settled):
    platform.answers = [500, 409]
    ask(n8n, platform)
    assert settled()["results"]["done"] == 1


@pytest.mark.parametrize("answers, tries", [([500] * 9, TRIES), ([404], 1)])
def test_the_callback_ends_too(n8n, platform, answers, tries, settled):
    platform.answers = answers
    ask(n8n, platform)
    assert settled()["results"]["undelivered"] == 1
    assert len(platform.callbacks) == tries


def test_sigterm_lets_the_work_in_progress_finish(n8n, ai, platform):
    ai.control(latency={"median": 1, "sigma": 0})
    for request_id in ("one", "two"):
        ask(n8n, platform, request_id)
    assert n8n.stop() == ("", 0)
    assert {callback["request_id"] for callback in platform.callbacks} == {"one", "two"}
