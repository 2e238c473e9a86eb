"""What n8n's executions share in PostgreSQL: leases, calls, the circuit breaker, counters and spans."""

import json
import os
import time
from contextlib import closing
from uuid import uuid4

import psycopg2
import psycopg2.extras
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from stack.layout import Layout
from stack.services import n8n, postgres

pytestmark = pytest.mark.system

DATABASE = "n8n_schema_test"
AI, CALLBACK = "api_n8n_to_aiservice", "api_n8n_to_odoo_callback"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class State:
    """The schema in a database of its own, as the workflows call it."""

    def __init__(self, connection):
        self._connection = connection

    def call(self, function, *arguments):
        """Return the only row of a function's answer, as a dictionary, or None."""
        rows = self.rows(f"SELECT * FROM influencegen.{function}({', '.join(['%s'] * len(arguments))})", *arguments)
        return rows[0] if rows else None

    def rows(self, statement, *arguments):
        with self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(statement, arguments)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []

    def limit(self, **values):
        for name, value in values.items():
            self.rows(f"UPDATE influencegen.limits SET {name} = %s", value)

    def accept(self, traceparent="", **job):
        """Return a new request and the lease on it."""
        request, job = str(uuid4()), {"prompt": "A lighthouse", **job}
        return request, self.call("accept", request, json.dumps(job), traceparent)["accept"]

    def end_ai(self, request, lease, call, status=200, kind="image/png", size=1000, failure=None, took=1.5):
        return self.call("end_ai_call", request, lease, call, status, kind, size, failure, took)

    def end_callback(self, request, lease, call, status=200, failure=None, took=0.2):
        return self.call("end_callback", request, lease, call, status, failure, took)

    def request(self, request):
        return self.rows("SELECT * FROM influencegen.request WHERE request_id = %s", request)[0]

    def exposition(self):
        return self.call("exposition", "igMetrics")["exposition"]

    def samples(self):
        return [sample for family in text_string_to_metric_families(self.exposition()) for sample in family.samples]

    def counted(self, name, **labels):
        """Return the sum of the samples of that name that have these labels."""
        return sum(
            sample.value for sample in self.samples() if sample.name == name and labels.items() <= sample.labels.items()
        )

    def expire(self, request):
        """Let the lease on a request run out."""
        self.rows("UPDATE influencegen.request SET leased_until = now() - interval '1s' WHERE request_id = %s", request)


@pytest.fixture
def state():
    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the PostgreSQL that `make test` prepares")
    layout = Layout.from_environment()
    postgres.execute(layout, f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)')
    postgres.execute(layout, f'CREATE DATABASE "{DATABASE}"')
    for _again in range(2):
        for script in n8n.SCRIPTS:
            postgres.execute(layout, script.read_text(), database=DATABASE)
    with closing(psycopg2.connect(**postgres.dsn(layout, DATABASE))) as connection:
        connection.autocommit = True
        yield State(connection)


def test_a_request_that_succeeds(state):
    request, lease = state.accept()
    first = state.call("begin_ai_call", request, lease)
    assert (first["verdict"], first["job"], first["timeout_ms"]) == ("call", {"prompt": "A lighthouse"}, 60_000)
    assert state.end_ai(request, lease, first["call_id"])["verdict"] == "deliver"
    second = state.call("begin_callback", request, lease)
    assert (second["verdict"], second["error"]) == ("call", None)
    assert state.end_callback(request, lease, second["call_id"])["verdict"] == "stop"
    ended = state.request(request)
    assert (ended["outcome"], ended["job"]) == ("done", {})
    for api, took in ((AI, 1.5), (CALLBACK, 0.2)):
        assert state.counted(f"{api}_latency_seconds_count", status_code_class="2xx") == 1
        assert state.counted(f"{api}_latency_seconds_sum") == took
        assert state.counted(f"{api}_errors_total") == 0


def test_a_known_request_is_given_to_nobody(state):
    request, _lease = state.accept()
    assert state.call("accept", request, "{}", "")["accept"] is None


@pytest.mark.parametrize(
    ("answer", "status_class", "verdict"),
    [
        ({"status": 500}, "5xx", "wait"),
        ({"status": 429}, "4xx", "wait"),
        ({"status": 400}, "4xx", "deliver"),
        ({"status": None, "failure": "ECONNREFUSED connect"}, "connection_error", "wait"),
        ({"status": None, "failure": "ECONNABORTED timeout of 60000ms exceeded"}, "timeout", "wait"),
        ({"kind": "text/html"}, "2xx", "wait"),
        ({"size": 0}, "2xx", "wait"),
        ({"size": 50_000_000}, "2xx", "wait"),
    ],
)
def test_a_try_that_came_to_nothing(state, answer, status_class, verdict):
    request, lease = state.accept()
    call = state.call("begin_ai_call", request, lease)["call_id"]
    reply = state.end_ai(request, lease, call, **answer)
    assert reply["verdict"] == verdict
    assert state.request(request)["error"]
    assert state.counted(f"{AI}_latency_seconds_count", status_code_class=status_class) == 1
    assert state.counted(f"{AI}_errors_total") == (status_class != "2xx")


def test_tries_are_bounded_and_pauses_grow_to_a_limit(state):
    state.limit(ai_tries=6, backoff_seconds=1, backoff_max_seconds=5, breaker_failures=100)
    request, lease = state.accept()
    pauses, reply = [], {"verdict": "wait"}
    while reply["verdict"] == "wait":
        call = state.call("begin_ai_call", request, lease)["call_id"]
        reply = state.end_ai(request, lease, call, status=500)
        pauses.append(reply["wait_seconds"])
    assert (reply["verdict"], reply["error"]) == ("deliver", "the AI service returned HTTP status 500")
    for pause, longest in zip(pauses[:-1], (1, 2, 4, 5, 5), strict=True):
        assert 0.75 * longest <= pause <= longest


def test_whose_lease_was_taken_over_stops(state):
    request, lease = state.accept()
    call = state.call("begin_ai_call", request, lease)["call_id"]
    assert state.rows("SELECT * FROM influencegen.take_abandoned()") == []
    state.expire(request)
    [taken] = state.rows("SELECT * FROM influencegen.take_abandoned()")
    assert taken["request_id"] == request and taken["lease"] != lease
    assert state.counted(f"{AI}_errors_total", status_code_class="interrupted") == 1
    assert state.end_ai(request, lease, call)["verdict"] == "stop"
    assert state.call("begin_callback", request, lease)["verdict"] == "stop"
    assert state.counted(f"{AI}_latency_seconds_count") == 0
    assert state.call("begin_ai_call", request, taken["lease"])["verdict"] == "call"


def test_an_execution_that_is_restarted_with_its_lease_replaces_the_one_before(state):
    request, lease = state.accept()
    lost = state.call("begin_ai_call", request, lease)["call_id"]
    call = state.call("begin_ai_call", request, lease)["call_id"]
    assert state.counted(f"{AI}_errors_total", status_code_class="interrupted") == 1
    assert state.end_ai(request, lease, lost)["verdict"] == "stop"
    assert state.end_ai(request, lease, call)["verdict"] == "deliver"
    assert state.counted(f"{AI}_latency_seconds_count") == 1


def test_a_call_that_ends_after_its_request_is_counted(state):
    request, lease = state.accept()
    late = state.call("begin_callback", request, lease)["call_id"]
    state.rows("UPDATE influencegen.request SET finished_at = now() WHERE request_id = %s", request)
    assert state.end_callback(request, lease, late, status=409)["verdict"] == "stop"
    assert state.counted(f"{CALLBACK}_latency_seconds_count", status_code_class="4xx") == 1
    assert state.request(request)["outcome"] is None


def test_an_abandoned_request_has_no_more_tries_than_others(state):
    state.limit(ai_tries=2)
    request, lease = state.accept()
    for _death in range(2):
        assert state.call("begin_ai_call", request, lease)["verdict"] == "call"
        state.expire(request)
        [taken] = state.rows("SELECT * FROM influencegen.take_abandoned()")
        lease = taken["lease"]
    reply = state.call("begin_ai_call", request, lease)
    assert (reply["verdict"], reply["error"]) == ("deliver", "n8n was interrupted, and no attempt is left")


@pytest.mark.parametrize(
    ("status", "error", "verdict", "outcome"),
    [
        (409, None, "stop", "done"),
        (404, None, "stop", "undelivered"),
        (500, None, "deliver again", None),
        (400, None, "wait", None),
        (400, "the AI service returned HTTP status 500", "stop", "undelivered"),
    ],
)
def test_what_odoo_answers(state, status, error, verdict, outcome):
    request, lease = state.accept()
    state.rows("UPDATE influencegen.request SET error = %s WHERE request_id = %s", error, request)
    call = state.call("begin_callback", request, lease)["call_id"]
    assert state.end_callback(request, lease, call, status)["verdict"] == verdict
    assert state.request(request)["outcome"] == outcome


def test_odoo_is_given_up_after_a_while(state):
    state.limit(callback_seconds=0)
    request, lease = state.accept()
    call = state.call("begin_callback", request, lease)["call_id"]
    time.sleep(0.001)
    assert state.end_callback(request, lease, call, None, "ECONNREFUSED")["verdict"] == "stop"
    assert state.request(request)["outcome"] == "undelivered"


def test_the_breaker_opens_lets_one_call_probe_and_closes(state):
    state.limit(breaker_failures=2, breaker_open_seconds=2)

    def attempt(**answer):
        request, lease = state.accept()
        reply = state.call("begin_ai_call", request, lease)
        if reply["verdict"] == "call" and answer:
            state.end_ai(request, lease, reply["call_id"], **answer)
        return reply, request, lease

    def is_now():
        return state.counted("api_circuit_breaker_state", dependency="aiservice")

    attempt(status=500)
    assert is_now() == 0
    attempt(status=500)
    assert is_now() == 2
    assert attempt()[0]["verdict"] == "wait"
    assert state.counted(f"{AI}_errors_total", status_code_class="circuit_open") == 1
    assert state.counted(f"{AI}_latency_seconds_count") == 2
    while is_now() == 2:
        time.sleep(0.02)
    assert is_now() == 1
    probe, request, lease = attempt()
    assert probe["verdict"] == "call"
    assert attempt()[0]["verdict"] == "wait"
    state.end_ai(request, lease, probe["call_id"], status=500)
    assert is_now() == 2
    while is_now() == 2:
        time.sleep(0.02)
    attempt(status=200)
    assert is_now() == 0


def test_labels_are_bounded_and_values_over_the_limit_are_counted(state):
    for number in range(60):
        state.call("report_error", f"workflow {number}", "node", "node_execution_error")
    state.call("report_error", "workflow 1", "node", "nonsense")
    errors = "n8n_workflow_execution_errors_total"
    assert len({sample.labels["workflow_name"] for sample in state.samples() if sample.name == errors}) == 51
    assert state.counted(errors, workflow_name="other") == 10
    assert state.counted(errors, error_type="other") == 1
    assert state.counted("odoo_telemetry_labels_folded_total", label="workflow_name") == 10
    assert state.counted("odoo_telemetry_labels_folded_total", label="error_type") == 1


def test_the_exposition_keeps_odd_names_and_ends_as_openmetrics_wants(state):
    odd = 'a "quoted" \\ name\nof two lines'
    state.call("report_error", odd, "node", "workflow_logic_error")
    assert state.counted("n8n_workflow_execution_errors_total", workflow_name=odd) == 1
    assert state.exposition().endswith("# EOF\n")


def test_executions_are_counted_unless_nobody_will_write_their_end(state):
    state.rows("""
        CREATE TABLE public.execution_entity (
            "workflowId" text, status text, "startedAt" timestamptz, "createdAt" timestamptz DEFAULT now(),
            "deletedAt" timestamptz)""")
    for workflow, status, age in (
        ("igImageGenerate", "running", "1 minute"),
        ("igImageGenerate", "new", None),
        ("igImageGenerate", "success", "1 minute"),
        ("igMetrics", "running", "1 minute"),
        # started over an hour ago, and before the database server did: an outage kept n8n from writing its end
        ("igImageGenerate", "running", "10 years"),
    ):
        state.rows(
            'INSERT INTO public.execution_entity ("workflowId", status, "startedAt") '
            "VALUES (%s, %s, now() - %s::interval)",
            workflow, status, age,
        )  # fmt: skip
    # ended, but n8n saves only those that failed: the row is left until it is pruned
    state.rows("""
        INSERT INTO public.execution_entity ("workflowId", status, "startedAt", "deletedAt")
        VALUES ('igImageGenerate', 'running', now() - interval '1 minute', now() - interval '1 hour')""")
    assert state.counted("n8n_workflow_active_executions") == 1
    assert state.counted("n8n_workflow_execution_queue_length") == 1


def test_buckets_are_cumulative(state):
    for took in (0.01, 0.01, 1.5, 1_000):
        request, lease = state.accept()
        state.end_ai(request, lease, state.call("begin_ai_call", request, lease)["call_id"], took=took)
    buckets = {
        sample.labels["le"]: sample.value
        for sample in state.samples()
        if sample.name == f"{AI}_latency_seconds_bucket" and sample.labels["status_code_class"] == "2xx"
    }
    bounds = [float(bound) for bound in buckets]
    assert bounds == sorted(bounds)
    assert list(buckets.values()) == [sum(took <= bound for took in (0.01, 0.01, 1.5, 1_000)) for bound in bounds]


def test_calls_that_are_known_beforehand_begin_at_zero(state):
    ends = {
        name: {sample.labels["status_code_class"] for sample in state.samples() if sample.name == name}
        for name in (f"{AI}_errors_total", f"{CALLBACK}_errors_total", f"{AI}_latency_seconds_count",
                     f"{CALLBACK}_latency_seconds_count")
    }  # fmt: skip
    failures = {"3xx", "4xx", "5xx", "timeout", "connection_error"}
    assert ends == {
        f"{AI}_errors_total": {*failures, "interrupted", "circuit_open"},
        f"{CALLBACK}_errors_total": {*failures, "interrupted"},
        f"{AI}_latency_seconds_count": {*failures, "2xx"},
        f"{CALLBACK}_latency_seconds_count": {*failures, "2xx"},
    }
    assert {sample.value for sample in state.samples() if sample.name.startswith((AI, CALLBACK))} == {0}


def test_workflows_whose_failures_are_reported_begin_at_zero_within_the_labels_bound(state):
    state.rows("CREATE TABLE public.workflow_entity (name text, active boolean, settings json)")
    for name, active, settings in (
        ("watched", True, {"errorWorkflow": "igErrors"}),
        ("failed", True, {"errorWorkflow": "igErrors"}),
        ("off", False, {"errorWorkflow": "igErrors"}),
        ("not reported", True, {}),
        ("reported to another", True, {"errorWorkflow": "other"}),
    ):
        state.rows("INSERT INTO public.workflow_entity VALUES (%s, %s, %s)", name, active, json.dumps(settings))
    state.call("report_error", "failed", "node", "node_execution_error")

    def errors():
        return {
            tuple(sample.labels[name] for name in ("workflow_name", "node_name", "error_type")): sample.value
            for sample in state.samples()
            if sample.name == "n8n_workflow_execution_errors_total"
        }

    assert errors() == {
        ("failed", "node", "node_execution_error"): 1,
        ("watched", "none", "node_execution_error"): 0,
        ("watched", "none", "workflow_logic_error"): 0,
    }
    state.rows("""
        INSERT INTO public.workflow_entity
        SELECT 'workflow ' || number, true, '{"errorWorkflow": "igErrors"}' FROM generate_series(1, 60) AS number""")
    assert len({workflow for workflow, _node, _type in errors()}) == 50


def test_a_workflow_is_published_once_n8n_runs_the_version_that_it_was_given(state):
    state.rows("""
        CREATE TABLE public.workflow_entity (id text, active boolean, "activeVersionId" text);
        INSERT INTO public.workflow_entity VALUES ('current', true, '2'), ('behind', true, '2'), ('waits', true, '1'),
            ('off', false, NULL)""")

    def published():
        return {
            row["id"] for row in state.rows("SELECT id FROM public.workflow_entity WHERE influencegen.published(id)")
        }

    # n8n 1
    assert published() == {"current", "behind", "waits"}
    state.rows("""
        CREATE TABLE public.workflow_published_version ("workflowId" text, "publishedVersionId" text);
        INSERT INTO public.workflow_published_version VALUES ('current', '2'), ('behind', '1')""")
    assert published() == {"current"}


def test_a_traced_request_leaves_exemplars_and_spans(state):
    request, lease = state.accept(f"00-{TRACE}-{SPAN}-01", model="sdxl")
    call = state.call("begin_ai_call", request, lease)
    assert call["traceparent"] == f"00-{TRACE}-{call['call_id']}-01"
    state.end_ai(request, lease, call["call_id"], took=1.5)
    callback = state.call("begin_callback", request, lease)
    state.end_callback(request, lease, callback["call_id"])
    exemplars = [sample for sample in state.samples() if sample.exemplar and sample.name.startswith(AI)]
    assert [(sample.exemplar.labels, sample.exemplar.value) for sample in exemplars] == [({"trace_id": TRACE}, 1.5)]
    batch = state.call("next_spans")
    [resource] = batch["body"]["resourceSpans"]
    spans = {span["spanId"]: span for span in resource["scopeSpans"][0]["spans"]}
    assert {span: spans[span]["parentSpanId"] for span in spans} == {
        call["call_id"]: lease, callback["call_id"]: lease, lease: SPAN,
    }  # fmt: skip
    took = int(spans[call["call_id"]]["endTimeUnixNano"]) - int(spans[call["call_id"]]["startTimeUnixNano"])
    assert took == pytest.approx(1.5e9, rel=0.01)
    generation, called_back = (
        {each["key"]: each["value"]["stringValue"] for each in spans[one["call_id"]]["attributes"]
         if each["key"].startswith("gen_ai.")}
        for one in (call, callback)
    )  # fmt: skip
    assert (generation, called_back) == ({
        "gen_ai.operation.name": "generate_content", "gen_ai.output.type": "image",
        "gen_ai.provider.name": "influencegen.ai_service", "gen_ai.request.model": "sdxl",
    }, {})  # fmt: skip
    assert "lighthouse" not in json.dumps(batch["body"])
    state.call("spans_taken", json.dumps(batch["ids"]))
    assert state.call("next_spans") is None


@pytest.mark.parametrize("traceparent", ["", f"00-{TRACE}-{SPAN}-00", "nonsense"])
def test_what_is_not_sampled_leaves_neither(state, traceparent):
    request, lease = state.accept(traceparent)
    call = state.call("begin_ai_call", request, lease)
    assert call["traceparent"] == ""
    state.end_ai(request, lease, call["call_id"])
    assert state.call("next_spans") is None
    assert not any(sample.exemplar for sample in state.samples())


def test_a_day_after_its_end_a_request_is_forgotten_and_stays_counted(state):
    request, lease = state.accept()
    call = state.call("begin_ai_call", request, lease)["call_id"]
    state.end_ai(request, lease, call, status=400)
    state.rows("UPDATE influencegen.request SET finished_at = now() - interval '25h'")
    state.rows("SELECT * FROM influencegen.take_abandoned()")
    assert state.rows("SELECT * FROM influencegen.call") == []
    assert state.counted(f"{AI}_errors_total", status_code_class="4xx") == 1
