"""The log of a server that writes JSON."""

import json
import uuid

import requests

from stack.system import answers
from tests.waiting import until

FIELDS = {"timestamp", "level", "logger", "message", "pid", "database", "trace_id", "span_id", "request_id"}


def lines(server, since=0):
    """Return what the server has logged, as dictionaries, from a position in the file on.

    Each of its processes writes text until it has loaded the addon.
    """
    with open(server.log) as log:
        log.seek(since)
        return [json.loads(line) for line in log if since or line.startswith("{")]


def test_every_line_is_json_once_the_addon_is_loaded(traced):
    gevent = f"http://127.0.0.1:{traced.ports.gevent}/websocket/health"
    until(lambda: answers(gevent), "the websocket worker answers")
    begin = traced.log.stat().st_size

    def logged():
        for url in (f"{traced.url}/web/login", gevent):
            requests.get(url, timeout=30)
        found = lines(traced, begin)
        return found if len({line["pid"] for line in found}) >= 3 else []

    for line in until(logged, "both workers and the websocket worker have logged"):
        assert set(line) - {"exception", "stack"} == FIELDS


def test_a_request_is_found_by_its_id_with_its_trace(traced):
    identity = uuid.uuid4().hex
    refused = requests.post(
        f"{traced.url}/influencegen/image/callback", data="{}", timeout=30,
        headers={"X-Request-Id": identity, "Content-Type": "application/json"},
    )  # fmt: skip
    assert refused.status_code == 401

    def found():
        return [
            line for line in lines(traced)
            if line["request_id"] == identity and line["logger"].endswith("controllers.callback")
        ]  # fmt: skip

    [line] = until(found, "the refusal is logged")
    assert (line["level"], line["database"]) == ("WARNING", traced.database)
    [span] = until(lambda: traced.collector.trace(line["trace_id"]), "its span has arrived")
    assert span.span_id == line["span_id"]


def test_a_key_in_an_address_is_not_logged(traced):
    page, key = uuid.uuid4().hex, uuid.uuid4().hex
    requests.get(f"{traced.url}/web/login?key={key}&page={page}", timeout=30)
    [line] = until(lambda: [line for line in lines(traced) if page in line["message"]], "the request is logged")
    assert f"key=***&page={page}" in line["message"]
    assert key not in traced.log.read_text()
