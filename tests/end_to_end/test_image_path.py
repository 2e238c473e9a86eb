"""The workflows on n8n itself: what they take, what they refuse, what they count, and what an import does."""

import json
import shutil
import time
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from influencegen import signing
from stack.services import n8n
from tests.waiting import until

ERRORS = "n8n_workflow_execution_errors_total"
TRIAL = Path(__file__).with_name("trial_workflow.json")


def order(**changes):
    """Return the body of a webhook."""
    complete = {
        "request_id": str(uuid4()), "model": "sdxl", "prompt": "A lighthouse", "parameters": {},
        "callback_url": "http://127.0.0.1:9/influencegen/image/callback",
    }  # fmt: skip
    return json.dumps({key: value for key, value in {**complete, **changes}.items() if value is not None}).encode()


def known(image_path):
    """Return how many requests the workflows know."""
    [[number]] = image_path.query("SELECT count(*) FROM influencegen.request")
    return number


def test_an_image_comes_back(image_path):
    image = image_path.ask()
    image_path.until_done(image)
    image_path.assert_agreed()


def test_only_what_is_signed_is_taken(system, image_path):
    secret, body, before = system.layout.secret("webhook"), order(), known(image_path)
    signed = signing.sign(secret, body)
    for headers in (
        {},
        {**signed, "X-InfluenceGen-Signature": "sha256=" + "0" * 64},
        signing.sign("guessed", body),
        signing.sign(secret, body + b" "),
        signing.sign(secret, body, time.time() - 310),
        signing.sign(secret, body, time.time() + 310),
        {**signed, "X-InfluenceGen-Timestamp": "soon"},
    ):
        response = image_path.webhook(body, headers)
        assert response.status_code == 401, headers
        assert "signature" in response.json()["error"]
    assert known(image_path) == before


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (order(prompt=None), "prompt"),
        (order(model=" "), "model"),
        (order(request_id="17"), "request_id"),
        (order(callback_url="odoo"), "callback_url"),
        (b"[]", "missing"),
    ],
)
def test_what_is_incomplete_is_refused_with_the_reason(system, image_path, body, reason):
    before = known(image_path)
    response = image_path.webhook(body, signing.sign(system.layout.secret("webhook"), body))
    assert response.status_code == 400
    assert reason in response.json()["error"]
    assert known(image_path) == before


def test_a_signature_may_be_off_by_five_minutes(system, image_path):
    image_path.limit(callback_seconds=0)
    body = order()
    response = image_path.webhook(body, signing.sign(system.layout.secret("webhook"), body, time.time() - 280))
    assert response.status_code == 202
    image_path.settle()


def test_a_request_that_is_known_is_not_worked_on_twice(system, image_path):
    image_path.limit(callback_seconds=0)
    body = order()
    headers = signing.sign(system.layout.secret("webhook"), body)
    answers = [image_path.webhook(body, headers).json()["status"] for _ in range(3)]
    assert answers == ["accepted", "known", "known"]
    image_path.settle()
    uuid = json.loads(body)["request_id"]
    [[calls]] = image_path.query(
        f"SELECT count(*) FROM influencegen.call WHERE request_id = '{uuid}' AND api = 'api_n8n_to_aiservice'"
    )
    assert calls == 1


def test_the_metrics_are_for_those_with_the_token(system):
    url = system.url("n8n", n8n.METRICS)
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.get(url, headers={"Authorization": "Bearer guessed"}, timeout=10).status_code == 403


@pytest.fixture
def deployed(system, tmp_path, monkeypatch):
    """A function that deploys the workflows again, with the trial workflow or without it."""
    ours = n8n.WORKFLOWS

    def deploy(trial):
        folder = tmp_path / f"workflows-{trial}"
        shutil.copytree(ours, folder)
        if trial:
            shutil.copy(TRIAL, folder)
        monkeypatch.setattr(n8n, "WORKFLOWS", folder)
        n8n.deploy(system.layout, system.processes)
        system.processes.start("n8n")
        system.processes.wait("n8n", lambda: n8n.answers(system.layout))

    yield deploy
    n8n.query(
        system.layout,
        """
        DELETE FROM workflow_published_version WHERE "workflowId" = 'igTrial';
        DELETE FROM workflow_entity WHERE id = 'igTrial'""",
    )
    deploy(trial=False)


def failed(image_path):
    """Return how many executions n8n has that failed."""
    [[number]] = image_path.query("SELECT count(*) FROM execution_entity WHERE status = 'error'")
    return number


def test_errors_of_workflows_are_distinguished_and_an_import_updates(system, image_path, deployed):
    names = "SELECT id, name, active FROM workflow_entity WHERE name LIKE 'InfluenceGen%'"
    before = sorted(image_path.query(names))
    image_path.query("UPDATE workflow_entity SET name = 'old', active = false WHERE id = 'igImageRequest'")
    deployed(trial=True)
    assert sorted(image_path.query(names)) == before

    for node, kind in (("Stop", "workflow_logic_error"), ("Query", "node_execution_error"), ("Service", None)):
        labels = {"workflow_name": "Trial", "node_name": node}
        before = failed(image_path)
        trial = {"url": system.url("n8n", "/webhook/trial"), "json": {"node": node}, "timeout": 10}
        # the webhook is there a moment after the workflow is published; whatever fails from then on is counted
        until(lambda trial=trial: requests.post(**trial).ok, "the webhook of the trial workflow is there")
        until(lambda before=before: failed(image_path) > before, f"{node} failed")
        if kind:
            until(lambda labels=labels: image_path.exposed(ERRORS, **labels) == 1, f"{node} is counted")
            assert image_path.exposed(ERRORS, **labels, error_type=kind) == 1
    assert image_path.exposed(ERRORS, node_name="Service") == 0
