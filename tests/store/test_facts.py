import os
import time

import pytest

from . import processes

REQUESTS = "ai_image_generation_requests_total"
APPLICATIONS = "campaign_applications_total"


class Callbacks:
    """The part of odoo.tools.misc.Callbacks that a journal relies on."""

    def __init__(self):
        self.data, self._functions = {}, []

    def add(self, function):
        self._functions.append(function)

    def run(self):
        while self._functions:
            self._functions.pop(0)()
        self.clear()

    def clear(self):
        self._functions.clear()
        self.data.clear()


class Cursor:
    """The part of an Odoo cursor that a journal relies on; the real one is used in the addon's own tests."""

    dbname = "db"

    def __init__(self):
        self.postcommit = Callbacks()


@pytest.fixture
def facts(store):
    from metrics import facts

    return facts


def test_facts_count_after_commit(facts, total):
    cr = Cursor()
    facts.count(cr, REQUESTS, amount=3)
    facts.observe(cr, "ai_image_generation_end_to_end_latency_seconds", 4.0)
    assert not total(REQUESTS)
    cr.postcommit.run()
    assert total(REQUESTS) == 3
    assert total("ai_image_generation_end_to_end_latency_seconds", sample="5.0") == 1


def test_a_dropped_journal_leaves_nothing_pending(facts, total):
    cr = Cursor()
    facts.count(cr, REQUESTS, amount=3)
    assert total("influencegen_telemetry_facts_pending", (REQUESTS,)) == 3
    cr.postcommit.clear()
    assert total("influencegen_telemetry_facts_pending", (REQUESTS,)) == 0
    assert not total(REQUESTS)


def test_a_cut_journal_forgets_what_came_later(facts, total):
    cr = Cursor()
    facts.count(cr, APPLICATIONS, (1,))
    length = facts.journal_length(cr)
    facts.count(cr, APPLICATIONS, (2,))
    facts.cut_journal(cr, length)
    facts.count(cr, APPLICATIONS, (3,))
    cr.postcommit.run()
    assert (total(APPLICATIONS, (1,)), total(APPLICATIONS, (2,)), total(APPLICATIONS, (3,))) == (1, None, 1)


def test_a_fact_lost_to_kill_9_is_missing(facts, store, total):
    def commit_and_die():
        facts.count(Cursor(), REQUESTS)
        os.kill(os.getpid(), 9)

    processes.run(commit_and_die)
    assert facts.missing("db", {REQUESTS: {(): 1}}) == {(REQUESTS, ()): 1}


def test_a_fact_that_a_live_process_is_about_to_count_is_not_missing(facts, store, total):
    ready, told = os.pipe()

    def commit_and_wait():
        cr = Cursor()
        facts.count(cr, REQUESTS)
        os.write(told, b".")
        time.sleep(60)

    pid = processes.start(commit_and_wait)
    os.read(ready, 1)
    assert facts.missing("db", {REQUESTS: {(): 1}}) == {}
    processes.kill(pid)
    assert facts.missing("db", {REQUESTS: {(): 1}}) == {(REQUESTS, ()): 1}


def test_more_counted_than_rows_is_left_alone(facts, store):
    store.inc(REQUESTS, amount=5, database="db")
    assert facts.missing("db", {REQUESTS: {(): 3}}) == {}


def test_rows_of_folded_labels_are_compared_with_other(facts, store):
    for campaign in range(510):
        store.inc(APPLICATIONS, (campaign,), database="db")
    rows = {(str(campaign),): 1 for campaign in range(511)}
    assert facts.missing("db", {APPLICATIONS: rows}) == {(APPLICATIONS, ("other",)): 1}
