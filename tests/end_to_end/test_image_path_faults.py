"""Failures on the AI image path: afterwards every image has ended, and each stage agrees with its other end."""

import base64
import json
import threading
import time

import pytest

from influencegen import signing
from tests.waiting import until

from .load import document
from .pressure import FULL
from .test_faults import post

REQUESTS, OUTAGE_SECONDS = (500, 60) if FULL else (60, 15)
BREAKER = "api_circuit_breaker_state"
AI_ERRORS = "api_n8n_to_aiservice_errors_total"
CALLBACK_ERRORS = "api_n8n_to_odoo_callback_errors_total"
WORKFLOW_ERRORS = "n8n_workflow_execution_errors_total"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("fail_rate", "returned HTTP status 500"),
        ("timeout_rate", "no answer in time"),
        ("truncated_rate", "Odoo refused the image"),
        ("html_rate", "text/html"),
        ("huge_rate", "bytes, more than Odoo takes"),
    ],
)
def test_ai_service_that_always_fails(image_path, fault, reason):
    if fault != "timeout_rate":
        # a busy machine needs some seconds to receive 50 MiB
        image_path.limit(ai_timeout_seconds=30)
    image_path.ai(**{fault: 1})
    for _image in range(2):
        image_path.ask()
    image_path.settle()
    images = image_path.images()
    assert {image["state"] for image in images} == {"failed"}
    assert all(reason in image["error"] for image in images), images
    image_path.assert_agreed()


def test_ai_service_that_recovers(image_path):
    image_path.ai(fail_rate=1)
    image = image_path.ask()
    until(lambda: image_path.exposed(AI_ERRORS, status_code_class="5xx"), "it has failed")
    image_path.ai(fail_rate=0)
    image_path.until_done(image)
    image_path.assert_agreed()


def test_slow_ai_service(image_path):
    image_path.limit(ai_timeout_seconds=15)
    image_path.ai(latency={"median": 8, "sigma": 0})
    images = [image_path.ask() for _ in range(4)]
    image_path.until_done(*images)
    image_path.assert_agreed()


def test_breaker_opens_half_opens_and_closes(image_path):
    image_path.limit(breaker_failures=3, ai_tries=1_000, breaker_open_seconds=6)
    image_path.ai(fail_rate=1)
    image = image_path.ask()
    until(lambda: image_path.exposed(BREAKER, dependency="aiservice") == 2, "it is open")
    # the next calls come some seconds after it could close: it is half-open until then
    image_path.limit(backoff_seconds=12, backoff_max_seconds=12)
    until(lambda: image_path.stored(BREAKER, dependency="aiservice") == 2, "Prometheus has it open")
    until(lambda: image_path.stored(BREAKER, dependency="aiservice") == 1, "Prometheus has it half-open")
    image_path.ai(fail_rate=0)
    image_path.until_done(image)
    until(lambda: image_path.stored(BREAKER, dependency="aiservice") == 0, "Prometheus has it closed")
    assert image_path.exposed(AI_ERRORS, status_code_class="circuit_open")
    image_path.assert_agreed()


def test_n8n_killed_in_the_middle(image_path):
    image_path.limit(ai_timeout_seconds=30)
    image_path.ai(latency={"median": 10, "sigma": 0})
    images = [image_path.ask() for _ in range(5)]
    running = "SELECT count(*) FROM influencegen.call WHERE status_class IS NULL"
    until(lambda: image_path.query(running) == [(5,)], "all are being made")
    image_path.kill_n8n()
    image_path.ai(latency={"median": 0.1, "sigma": 0})
    image_path.until_done(*images, seconds=120)
    assert image_path.exposed(AI_ERRORS, status_code_class="interrupted") >= 5
    image_path.assert_agreed()


def test_odoo_down_during_callbacks(image_path):
    image_path.ai(latency={"median": 2, "sigma": 0})
    images = [image_path.ask() for _ in range(5)]
    refused = image_path.exposed(CALLBACK_ERRORS, status_code_class="connection_error")

    def outage():
        time.sleep(OUTAGE_SECONDS)
        assert image_path.exposed(CALLBACK_ERRORS, status_code_class="connection_error") > refused + 5

    image_path.without_odoo(outage)
    image_path.until_done(*images)
    image_path.assert_agreed()


def test_callback_that_comes_again_and_out_of_order(system, image_path):
    """A callback that was sent by hand arrives first; n8n's own then changes nothing, and nothing is counted twice."""
    image_path.limit(ai_timeout_seconds=15)
    image_path.ai(latency={"median": 6, "sigma": 0})
    image = image_path.ask()
    picture = base64.b64encode(document()["document"][1]).decode()
    body = json.dumps({"request_id": image, "status": "failed", "error": "by hand", "image": picture}).encode()
    secret = system.layout.secret("webhook")
    answers = [post(system, body, signing.sign(secret, body, time.time() - age)) for age in (2, 1)]
    assert [answer.json()["status"] for answer in answers] == ["ok", "duplicate"]
    assert image_path.state(image) == "failed"
    image_path.settle()
    assert image_path.state(image) == "failed"
    image_path.assert_agreed()


def test_database_function_that_fails(image_path):
    """An execution that can't go on is counted as an error, and its request is taken over once the function works."""
    labels = {"workflow_name": "InfluenceGen: AI image generation", "node_name": "End AI call"}
    before = image_path.exposed(WORKFLOW_ERRORS, **labels)
    rename = "ALTER FUNCTION influencegen.{} RENAME TO {}"
    image_path.query(rename.format("end_ai_call", "gone"))
    try:
        image = image_path.ask()
        until(lambda: image_path.exposed(WORKFLOW_ERRORS, **labels) > before, "it is counted")
    finally:
        image_path.query(rename.format("gone", "end_ai_call"))
    image_path.until_done(image)
    image_path.assert_agreed()


def test_every_request_ends_and_is_counted_at_each_stage(back_office, image_path):
    """One AI call in five fails, and n8n is killed three times, each time with requests in progress."""
    image_path.ai(fail_rate=0.2, latency={"median": 0.5, "sigma": 0.5})
    people = [person.twin() for person in back_office.influencers.values()]
    todo, failures, asking = list(range(REQUESTS)), [], threading.Event()
    asking.set()

    def ask(person):
        while asking.wait():
            try:
                todo.pop()
                image_path.ask(person)
            except IndexError:
                return
            except Exception as exception:
                failures.append(exception)

    threads = [threading.Thread(target=ask, args=[person], daemon=True) for person in people]
    for thread in threads:
        thread.start()
    for share in (0.8, 0.5, 0.2):
        until(lambda share=share: len(todo) < share * REQUESTS, "requests are made", 300)
        image_path.kill_n8n(meanwhile=asking.clear)
        asking.set()
    for thread in threads:
        thread.join()
    assert failures == []
    image_path.settle(300)
    assert len(image_path.images()) == REQUESTS
    assert len(image_path.images(("state", "=", "done"))) > REQUESTS / 4
    image_path.assert_agreed()
