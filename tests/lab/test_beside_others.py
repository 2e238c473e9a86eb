"""Telemetry is installed beside OCA's addons: both work, and what it measures is right."""

import json
import os
import re
import time

import pytest

from tests.end_to_end.client import Refused
from tests.waiting import until

from .lab import TELEMETRY

pytestmark = pytest.mark.system

REQUESTS = "odoo_http_requests_total"
ERRORS = "odoo_application_errors_total"
OWN_ERRORS = "odoo_telemetry_errors_total"


def test_all_are_installed(lab):
    installed = lab.call("ir.module.module", "search_read", [("state", "=", "installed")], ["name"])
    assert {TELEMETRY, *lab.oca} <= {module["name"] for module in installed}
    assert len(lab.oca) >= 15


def test_the_installation_has_no_warning_of_telemetry(lab):
    warnings = [line for line in lab.installation_log.splitlines() if re.search(" (WARNING|ERROR|CRITICAL) ", line)]
    assert [line for line in warnings if re.search(r"odoo_telemetry|\btelemetry\.", line)] == []


def test_telemetry_itself_does_not_fail(lab):
    failures = lab.scrape().values(OWN_ERRORS, "reason")
    # those that other tests provoke
    expected = {"route", "unauthorized"}
    assert {reason: number for reason, number in failures.items() if number and reason not in expected} == {}


def test_requests_are_counted_by_all_workers(lab):
    before = lab.scrape().value(REQUESTS, route="/web/login")
    sent = lab.request_all_workers("/web/login")
    assert lab.scrape().value(REQUESTS, route="/web/login") == before + sent


def test_a_route_that_a_user_defines_is_counted_by_its_pattern(lab):
    endpoint = "/lab/things/<int:number>"
    lab.endpoint(endpoint, 'result = {"response": Response("a thing")}')
    before = lab.scrape().value(REQUESTS, route=endpoint)
    for number in range(10):
        answer = lab.request(f"/lab/things/{number}")
        assert (answer.status_code, answer.text) == (200, "a thing")
    scraped = lab.scrape()
    assert scraped.value(REQUESTS, route=endpoint) == before + 10
    routes = scraped.values(REQUESTS, "route")
    assert [route for route in routes if re.search("/things/[0-9]", route)] == []


def test_an_error_is_counted_once(lab):
    lab.endpoint("/lab/error", 'raise Exception("the lab fails on purpose")')
    before = lab.scrape()
    assert lab.request("/lab/error").status_code == 500
    after = lab.scrape()
    assert after.value(ERRORS) == before.value(ERRORS) + 1
    assert after.value(ERRORS, module_name="endpoint") == before.value(ERRORS, module_name="endpoint") + 1
    failed = {"route": "/lab/error", "status_code_class": "5xx"}
    assert after.value(REQUESTS, **failed) == before.value(REQUESTS, **failed) + 1


def test_an_audited_model_is_counted_once(lab):
    model = lab.call("ir.model", "search", [("model", "=", "res.partner.category")])[0]
    rule = lab.call("auditlog.rule", "create", {
        "name": "lab", "model_id": model, "log_create": True, "log_write": True, "log_unlink": True, "log_type": "full",
    })  # fmt: skip
    audit, ignore = ("set_to_confirmed", "set_to_draft") if lab.series == "19.0" else ("subscribe", "unsubscribe")
    lab.call("auditlog.rule", audit, [rule])
    metric = lab.call("telemetry.own.metric", "create", {
        "name": "lab_categories", "meaning": "Categories made.", "kind": "created", "model_id": model,
        "user_id": lab.call("res.users", "search", [("login", "=", "admin")])[0],
    })  # fmt: skip
    try:
        before = lab.scrape().value("odoo_custom_lab_categories_total")
        made = [lab.call("res.partner.category", "create", {"name": f"lab {number}"}) for number in range(3)]
        lab.call("res.partner.category", "write", made, {"color": 3})
        with pytest.raises(Refused):
            # in a transaction that is rolled back: no category is its own parent
            lab.call("res.partner.category", "write", made, {"parent_id": made[0]})
        until(
            lambda: lab.scrape().value("odoo_custom_lab_categories_total") == before + 3, "three categories are counted"
        )
        logged = lab.call("auditlog.log", "search_count", [("model_id", "=", model), ("method", "=", "create")])
        assert logged == 3
        lab.call("res.partner.category", "unlink", made)
        assert lab.scrape().value("odoo_custom_lab_categories_total") == before + 3
    finally:
        lab.call("telemetry.own.metric", "unlink", [metric])
        lab.call("auditlog.rule", ignore, [rule])
        lab.call("auditlog.rule", "unlink", [rule])


def test_database_cleanup_proposes_nothing_of_telemetry(lab):
    proposed = json.loads(lab.shell(PROPOSALS).splitlines()[-1])
    assert proposed.keys() == {"table", "column", "model", "data", "field"}
    assert [name for names in proposed.values() for name in names if "telemetry" in name] == []


PROPOSALS = """
import json
proposed = {}
for kind in ("table", "column", "model", "data", "field"):
    try:
        lines = env[f"cleanup.purge.wizard.{kind}"].create({}).purge_line_ids
    except Exception as error:
        assert "No " in str(error), error
        lines = ()
    proposed[kind] = [f"{kind} {line.name} {line.display_name}" for line in lines]
env.cr.rollback()
print(json.dumps(proposed))
"""


@pytest.mark.parametrize("poll", ["telemetry.alert/read_firing", "telemetry.overview/read_monitoring"])
def test_a_poll_keeps_no_session_alive(lab, poll):
    model, method = poll.split("/")
    arguments = ["hour"] if method == "read_monitoring" else []
    client = lab.client()
    file = lab.session_file(client)
    idle = json.loads(file.read_text())
    for trace in idle["_trace"]:
        trace["last_activity"] -= 7200
    idle["create_time"] = idle.get("create_time", 0) - 7200
    file.write_text(json.dumps(idle))
    an_hour_ago = time.time() - 3600
    os.utime(file, (an_hour_ago, an_hour_ago))
    client.call(model, method, *arguments)
    assert file.stat().st_mtime == pytest.approx(an_hour_ago)
    assert json.loads(file.read_text()) == idle
    client.call("res.users", "search_count", [])
    assert time.time() - file.stat().st_mtime < 60


def test_the_session_of_who_only_polls_ends(lab):
    client = lab.client()
    file = lab.session_file(client)
    long_ago = time.time() - 3 * 3600
    os.utime(file, (long_ago, long_ago))
    with pytest.raises(Refused):
        for _poll in range(2):
            client.call("telemetry.alert", "read_firing")
