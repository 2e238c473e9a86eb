"""Spans of processes that are forked after tracing was switched on, as Odoo forks its workers."""

import os

import pytest

from tests.store import processes

pytestmark = pytest.mark.system


@pytest.fixture
def tracer(collector):
    """A tracer that sends to the collector."""
    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the system that `make test` prepares")
    from odoo.addons.odoo_telemetry.odoo_hooks.otel import Tracer

    tracer = Tracer(collector.url)
    yield tracer
    tracer.close()


def test_each_process_sends_its_own_spans_once(tracer, collector):
    def work(name):
        tracer.begin(name, None, {}).end()
        tracer.close()

    tracer.begin("master", None, {}).end()
    workers = [processes.start(lambda name=name: work(name)) for name in ("one", "two", "three")]
    assert [processes.wait(pid) for pid in workers] == [0, 0, 0]
    assert sorted(span.name for span in collector.spans) == ["one", "three", "two"]
    tracer.close()
    assert sorted(span.name for span in collector.spans) == ["master", "one", "three", "two"]
    assert len({span.trace_id for span in collector.spans}) == 4
