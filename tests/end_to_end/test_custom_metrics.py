"""Metrics that an administrator defines on a running system of several workers, under load, with killed workers."""

import random
import subprocess
import threading
import uuid

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families as parse

from stack.services import prometheus
from tests.waiting import until

from .client import Failed, Refused
from .workers import Workers

MODEL = "telemetry.own.metric"
CREATED, ENTERED, NOW = "odoo_custom_signups_total", "odoo_custom_moved_total", "odoo_custom_people"
CLIENTS, TURNS, KILLS = 6, 15, 4
RESTED = 180
"""Seconds until a gauge is read again for sure: it is left alone for 100 times as long as its reading took."""


class CustomMetrics:
    """Three custom metrics of the influencers of a company of their own, whose e-mail addresses are at ``host``."""

    def __init__(self, system, back_office):
        self._system, self.admin = system, back_office.admin
        self.host = f"{uuid.uuid4().hex}.example.com"
        [company] = self.admin.call("res.company", "create", [{"name": self.host}])
        [admin] = self.admin.call("res.users", "search_read", [("login", "=", "admin")], ["company_ids"])
        self.admin.call("res.users", "write", [admin["id"]], {"company_ids": [(4, company)]})
        self.companies = [company, *admin["company_ids"]]
        self.domain = [("company_id", "=", company)]
        self.ids = [
            self.define("signups", kind="created"),
            self.define("moved", kind="entered", state_field_id=self._field("state"), state_value="kyc_pending"),
            self.define("people", kind="gauge", dimension_ids=[(0, 0, {"field_id": self._field("state")})]),
        ]

    def define(self, name, **values):
        """Define a metric and return its id."""
        [model] = self.admin.call("ir.model", "search", [("model", "=", "influencegen.influencer")])
        [user] = self.admin.call("res.users", "search", [("login", "=", "admin")])
        return self.admin.call(MODEL, "create", [{
            "name": name, "meaning": "Influencers of a test.", "model_id": model, "user_id": user,
            "domain": repr(self.domain), **values,
        }])[0]  # fmt: skip

    def _field(self, name):
        return self.admin.call(
            "ir.model.fields", "search", [("model", "=", "influencegen.influencer"), ("name", "=", name)]
        )[0]

    def scrape(self):
        """Return a scrape's text, from whichever worker answers."""
        token = self._system.layout.secret("scrape-token")
        headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
        response = requests.get(self._system.url("odoo", "/metrics"), headers=headers, timeout=30)
        response.raise_for_status()
        return response.text

    def shown(self):
        """Return {(series name, label values): value} of the custom metrics in a scrape."""
        return {
            (sample.name, *(text for label, text in sample.labels.items() if label != "database")): sample.value
            for family in parse(self.scrape()) if family.name.startswith("odoo_custom_")
            for sample in family.samples
        }  # fmt: skip

    def rows(self, *conditions):
        """Return how many of the influencers there are in the database."""
        return self.call("influencegen.influencer", "search_count", [*self.domain, *conditions])

    def call(self, *arguments, **keywords):
        """Call a method as the administrator, who sees the company too."""
        return self.admin.call(*arguments, context={"allowed_company_ids": self.companies}, **keywords)


@pytest.fixture(scope="module")
def custom(system, back_office):
    """The custom metrics, known to all workers; deleted afterwards."""
    custom = CustomMetrics(system, back_office)
    until(lambda: custom.shown().get((CREATED,)) == 0, "the counters are exported, and begin at 0")
    yield custom
    if custom.ids:
        custom.admin.call(MODEL, "unlink", custom.ids)


def busy(custom, back_office):
    """Let a client work: transactions that commit, that fail, that roll a savepoint back, that conflict and repeat."""
    client = custom.admin.twin()
    for _turn in range(TURNS):
        new = [f"{uuid.uuid4().hex}@{custom.host}" for _ in range(4)]
        steps = [new[0], [new[1], [new[2], None], back_office.campaigns[0]], random.choice([None, new[3], [None]])]
        try:
            client.call("influencegen.trial", "work", steps, context={"allowed_company_ids": custom.companies})
        except (Refused, Failed, requests.RequestException):
            continue


def test_what_was_created_is_counted_while_workers_are_killed(system, custom, back_office):
    threads = [threading.Thread(target=busy, args=(custom, back_office)) for _ in range(CLIENTS)]
    workers = Workers(system)
    for thread in threads:
        thread.start()
    for _kill in range(KILLS):
        before = custom.rows()
        until(lambda before=before: custom.rows() > before + 2, "the clients go on")
        workers.kill()
    for thread in threads:
        thread.join()
    rows = custom.rows()
    assert rows > CLIENTS
    until(lambda: custom.shown()[(CREATED,)] == rows, "the counter is the number of rows")
    # all workers say so, and there is nothing to repair
    assert {custom.shown()[(CREATED,)] for _ in range(12)} == {rows}


def test_what_came_into_a_state_is_counted(custom):
    some = custom.call("influencegen.influencer", "search", custom.domain, limit=5)
    for influencer in some:
        custom.call("influencegen.trial", "move", influencer, "kyc_pending")
    until(lambda: custom.shown()[(ENTERED,)] == 5, "the counter is the number that changed")
    until(lambda: custom.shown()[NOW, "kyc_pending"] == 5, "the gauge is the number of those that did", RESTED)


def test_deletions_make_rows_fewer_and_counters_not(custom):
    # one that did not register: other tests compare registrations with the rows that there are
    values = {"name": "Ada Okafor", "email": f"deleted@{custom.host}", "birthdate": "1990-05-17"}
    one = custom.call("influencegen.influencer", "create", [values])
    rows = custom.rows()
    until(lambda: custom.shown()[(CREATED,)] == rows, "it is counted")
    custom.call("influencegen.influencer", "unlink", one)
    until(
        lambda: sum(value for (name, *_), value in custom.shown().items() if name == NOW) == rows - 1,
        "one row less",
        RESTED,
    )
    assert custom.shown()[(CREATED,)] == rows


def test_promtool_has_nothing_to_say(custom):
    checked = subprocess.run(
        [prometheus.executable("promtool"), "check", "metrics"], input=custom.scrape(), capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_what_is_deleted_is_gone_in_all_workers(custom):
    custom.admin.call(MODEL, "unlink", custom.ids)
    custom.ids.clear()
    until(lambda: not any(custom.shown() for _ in range(8)), "no worker shows them", 10)


def test_the_form_says_how_many_series_there_will_be_before_it_is_saved(system, back_office, chromium):
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(system.url("odoo", "/web/login"))
    page.fill("input[name=login]", "admin")
    page.fill("input[name=password]", system.layout.secret("admin"))
    page.click("button[type=submit]")
    page.goto(system.url("odoo", "/odoo/action-odoo_telemetry.own_metric_action/new"))
    page.fill(".o_field_widget[name=name] input", "influencers")
    choose(page, "model_id", "influencegen.influencer", "Influencer")
    choose(page, "user_id", "Administrator", "Administrator")
    page.click(".o_field_x2many_list_row_add a")
    choose(page, "field_id", "state", "State")
    cardinality = page.locator(".o_field_widget[name=cardinality]")
    cardinality.filter(has_text="state: ").wait_for()
    assert "series now, at most" in cardinality.inner_text()
    assert not back_office.admin.call(MODEL, "search_count", [("name", "=", "influencers")])
    page.context.close()


def choose(page, field, text, option):
    """Type ``text`` into a relation's field, and choose the option that contains ``option``."""
    page.locator(f".o_field_widget[name={field}] input").last.fill(text)
    page.locator(".o-autocomplete--dropdown-item").filter(has_text=option).first.click()
