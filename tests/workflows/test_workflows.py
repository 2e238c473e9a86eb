"""The workflows can be imported as they are: no host, no secret, no code, and names that stay."""

import json
import re
from collections import Counter

import pytest

from stack.layout import Layout
from stack.ports import Ports
from stack.services import n8n

WORKFLOWS = {path.stem: json.loads(path.read_text()) for path in sorted(n8n.WORKFLOWS.glob("*.json"))}
ERRORS = "igErrors"


@pytest.fixture(params=WORKFLOWS, name="workflow")
def each_workflow(request):
    return WORKFLOWS[request.param]


def test_ids_are_the_projects_own_and_unique(workflow):
    """The tables of n8n's insights hold workflow ids of 16 characters, though its other tables hold 36."""
    identities = Counter(other["id"] for other in WORKFLOWS.values())
    assert re.fullmatch(r"ig[A-Z]\w{1,13}", workflow["id"]) and identities[workflow["id"]] == 1
    assert max(Counter(node["id"] for node in workflow["nodes"]).values()) == 1


def test_no_host_and_no_secret_is_in_it(workflow):
    assert not re.search(r"https?://|127\.0\.0\.1|localhost|Bearer ", json.dumps(workflow))


def test_it_has_no_code_and_no_node_from_elsewhere(workflow):
    kinds = {node["type"] for node in workflow["nodes"]}
    assert all(kind.startswith("n8n-nodes-base.") for kind in kinds)
    assert not kinds & {"n8n-nodes-base.code", "n8n-nodes-base.function", "n8n-nodes-base.executeCommand"}


def test_its_credentials_are_those_that_are_deployed(workflow, tmp_path):
    deployed = {
        (credential["type"], credential["id"], credential["name"])
        for credential in n8n._credentials(Layout(tmp_path, Ports()))
    }
    used = {
        (kind, credential["id"], credential["name"])
        for node in workflow["nodes"]
        for kind, credential in node.get("credentials", {}).items()
    }
    assert used <= deployed


def test_its_errors_are_reported_and_it_keeps_nothing_of_successful_executions(workflow):
    settings = workflow["settings"]
    assert workflow["id"] == ERRORS or settings["errorWorkflow"] == ERRORS
    assert settings["saveDataSuccessExecution"] == "none"
