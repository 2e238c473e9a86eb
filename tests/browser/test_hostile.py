"""Hostile clients of the intake: everything is refused and counted, and no label value is created."""

import json
import re
import time

import pytest
import requests

from tests.waiting import until

from .metrics import INTAKE, LATENCY, LOADS, REFUSED, VITALS

COUNTS = [f"{name}_count" for name in (LOADS, LATENCY, *VITALS)]
PER_MINUTE = 300
SESSION_INFO = r'"odoo_telemetry": (\{[^}]*\})'


class Client:
    """A program that has opened a page of Odoo, and sends what it likes."""

    def __init__(self, stack, login=None, password=None):
        self.url = stack.url("odoo")
        self.session = requests.Session()
        self.path = "/web/login"
        if login:
            form = {"login": login, "password": password, "csrf_token": self._found(r'csrf_token: "(\w+)"')}
            self.session.post(f"{self.url}/web/login", data=form, timeout=60).raise_for_status()
            self.path = "/odoo"
        self.token = json.loads(self._found(SESSION_INFO))["token"]

    def _found(self, pattern):
        return re.search(pattern, self.session.get(self.url + self.path, timeout=60).text)[1]

    def send(self, *values, token=None, body=None, headers=None):
        """Send a batch; returns the status of the answer."""
        body = body or json.dumps({"token": self.token if token is None else token, "values": values})
        headers = headers or {"Origin": self.url}
        return self.session.post(self.url + INTAKE, data=body, headers=headers, timeout=60).status_code


@pytest.fixture
def client(stack):
    """A public user."""
    return Client(stack)


@pytest.fixture
def insider(stack):
    """A program with the administrator's password."""
    return Client(stack, "admin", stack.layout.secret("admin"))


LOAD = ["page", "", 1.0]


def test_what_is_refused(client, stack, metrics):
    other = Client(stack)
    before = metrics.values(f"{LOADS}_count", "route")
    refused = {
        "no origin": client.send(LOAD, headers={"Origin": ""}),
        "another origin": client.send(LOAD, headers={"Origin": "http://example.com"}),
        "no token": client.send(LOAD, token=""),
        "another's token": client.send(LOAD, token=other.token),
        "a name of its own": client.send(LOAD, ["interaction", "a name of its own", 1]),
        "a kind of its own": client.send(LOAD, ["a kind of its own", "", 1]),
        "no number": client.send(LOAD, ["page", "", float("nan")]),
        "infinity": client.send(LOAD, ["page", "", float("inf")]),
        "less than nothing": client.send(LOAD, ["page", "", -1]),
        "a day": client.send(LOAD, ["page", "", 86_400]),
        "10,000 values": client.send(*[LOAD] * 10_000),
        "no JSON": client.send(body="{"),
    }
    assert refused == {
        "no origin": 403, "another origin": 403, "no token": 403, "another's token": 403,
        "a name of its own": 400, "a kind of its own": 400, "no number": 400, "infinity": 400,
        "less than nothing": 400, "a day": 400, "10,000 values": 413, "no JSON": 400,
    }  # fmt: skip
    assert metrics.moved(REFUSED) == {("origin",): 2, ("token",): 2, ("malformed",): 7, ("size",): 1}
    assert all(metrics.total(name) == 0 for name in COUNTS)
    assert metrics.values(f"{LOADS}_count", "route") == before


def test_an_insider_makes_no_labels(insider, metrics):
    before = metrics.values(f"{LOADS}_count", "route")
    for batch in range(2):
        actions = [["action", f"made.up_{batch}_{number}/list", 1] for number in range(100)]
        assert insider.send(*actions) == 204
    assert metrics.moved(f"{LOADS}_count") == {("other", "admin"): 200}
    assert metrics.values(f"{LOADS}_count", "route") - before <= {"other"}


def test_a_flood_is_cut_off_over_all_workers(client, metrics):
    until(lambda: time.time() % 60 < 40, "the flood fits in the minute")
    statuses = [client.send(*[LOAD] * 20) for _batch in range(20)]
    assert statuses.count(204) == PER_MINUTE / 20
    assert statuses.count(429) == len(statuses) - statuses.count(204)
    assert metrics.total(f"{LOADS}_count") == PER_MINUTE
    assert metrics.moved(REFUSED) == {("rate",): statuses.count(429)}


def test_another_site_in_the_same_browser(stack, tab, metrics):
    """The session's cookie goes with it, because ports are of no account to cookies."""
    tab.open("/web/login")
    token = json.loads(re.search(SESSION_INFO, tab.page.content())[1])["token"]
    tab.leave()
    until(lambda: metrics.total(f"{LOADS}_count") == 1, "the load is counted")
    metrics.begin()
    tab.page.goto(stack.url("prometheus", "/metrics"))
    tab.page.evaluate(
        "([url, body]) => fetch(url, { method: 'POST', body, mode: 'no-cors', credentials: 'include' })",
        [stack.url("odoo", INTAKE), json.dumps({"token": token, "values": [LOAD]})],
    )
    until(lambda: metrics.moved(REFUSED) == {("origin",): 1}, "the batch is refused")
    assert metrics.total(f"{LOADS}_count") == 0
