"""Traces beside OCA's addons: a job of queue_job belongs to the trace that enqueued it."""

import uuid

import pytest

from tests.otlp import collecting
from tests.waiting import until

pytestmark = pytest.mark.system

ENQUEUE = "/queue_job/create_test_job"
JOB = "job queue.job _test_job"


@pytest.fixture
def collector(lab):
    """A collector that the lab's server sends its spans to, with details."""
    with collecting() as collector:
        _restart(lab, odoo_telemetry_otlp_endpoint=collector.url, odoo_telemetry_otlp_details="500")
        yield collector
        _restart(lab, odoo_telemetry_otlp_endpoint="", odoo_telemetry_otlp_details="0")


def _restart(lab, **options):
    lab.stop()
    lab.set(**options)
    lab.start()


def test_a_job_belongs_to_the_trace_that_enqueued_it(lab, collector):
    client, trace_id = lab.client(), uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-{'1' * 16}-01"}
    answer = client.session.get(f"{lab.url}{ENQUEUE}", headers=headers, timeout=60)
    assert answer.status_code == 200
    until(lambda: _named(collector.trace(trace_id), JOB), "the job's span has arrived", 120)

    def whole():
        spans = {span.span_id: span for span in collector.trace(trace_id)}
        roots = [span for span in spans.values() if span.parent_id not in spans]
        return [span.parent_id for span in roots] == ["1" * 16] and spans

    spans = until(whole, "all spans of the trace have arrived")
    [job] = _named(spans.values(), JOB)
    assert job.attributes["odoo.model"] == "queue.job"
    assert (job.attributes["odoo.method"], job.attributes["odoo.job.attempt"]) == ("_test_job", 1)
    assert f"GET {ENQUEUE}" in _above(spans, job)
    # the row of the job was written in the same trace, within the ORM
    [insert] = _named(spans.values(), "INSERT queue_job")
    assert _above(spans, insert)[:2] == [f"GET {ENQUEUE}", "queue.job create"]


def _named(spans, name):
    return [span for span in spans if span.name == name]


def _above(spans, span):
    """Return the names of the spans that ``span`` is in, the outermost first."""
    names = []
    while span := spans.get(span.parent_id):
        names.insert(0, span.name)
    return names
