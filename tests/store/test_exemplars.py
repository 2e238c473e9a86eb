import threading
import time

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from influencegen_telemetry.business.metrics import KYC_STEP_LATENCY, N8N_WEBHOOK
from odoo_telemetry.metrics.values import SlotValues

from . import processes

LATENCY, LABELS = "influencer_kyc_verification_automated_step_latency_seconds", ("kyc", "document")
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
# halves that are, as doubles, a signalling NaN and a negative zero
TRACE = 0x7FF0000000000001_8000000000000000


@pytest.fixture
def trace(store):
    """A function that says which trace (int) the observations that follow are made in."""

    def within(trace_id):
        store.exemplars.trace_with(lambda: trace_id)

    yield within
    store.exemplars.trace_with(None)


def exposed(store, accept):
    """Return {upper bound: (trace id, value)} of the exemplars that a scraper which accepts ``accept`` finds."""
    from odoo_telemetry.metrics import exposition

    body, headers = exposition.encode(exposition.Families(store.databases.settings()), accept, "")
    assert headers["Content-Type"].startswith(accept.partition(";")[0])
    return body.decode(), {
        sample.labels["le"]: (sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for family in (parse(body.decode()) if accept == OPENMETRICS else ())
        for sample in family.samples
        if sample.exemplar
    }


def test_openmetrics_shows_the_trace_of_an_observation(store, trace):
    trace(TRACE)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    _text, found = exposed(store, OPENMETRICS)
    assert found == {"5.0": (f"{TRACE:032x}", 3.0)}


def test_the_text_format_has_no_exemplars(store, trace):
    trace(TRACE)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    text, _found = exposed(store, "text/plain")
    labels = 'database="db",le="5.0",step_name="document",verification_service="kyc"'
    assert f"{LATENCY}_bucket{{{labels}}} 1.0\n" in text
    assert f"{TRACE:032x}" not in text


def test_what_is_observed_outside_of_a_trace_has_none(store, trace):
    trace(0)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    assert store.exemplars.read() == {}
    assert not list(store.directory.path.glob("exemplars-*"))


def test_nothing_is_kept_or_shown_while_nothing_is_traced(store, trace, total):
    trace(TRACE)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    store.exemplars.trace_with(None)
    KYC_STEP_LATENCY.observe(8.0, database="db", verification_service="kyc", step_name="document")
    assert store.exemplars.read() == {}
    trace(TRACE)
    assert [list(bounds) for bounds in store.exemplars.read().values()] == [["5.0"]]
    assert not total("odoo_telemetry_errors_total", ("value",), database=None)


def test_each_bucket_keeps_its_newest_over_all_workers(store, trace):
    def observe(trace_id, value):
        trace(trace_id)
        KYC_STEP_LATENCY.observe(value, database="db", verification_service="kyc", step_name="document")

    observe(1, 3.0)
    assert processes.run(lambda: observe(2, 4.0)) == 0
    assert processes.run(lambda: observe(3, 8.0)) == 0
    assert exposed(store, OPENMETRICS)[1] == {"5.0": (f"{2:032x}", 4.0), "10.0": (f"{3:032x}", 8.0)}
    observe(4, 4.5)
    assert exposed(store, OPENMETRICS)[1]["5.0"] == (f"{4:032x}", 4.5)


def test_exemplars_follow_their_labels_into_other(store, trace):
    trace(TRACE)
    for _ in range(2):
        N8N_WEBHOOK.latency.observe(0.3, database="db", endpoint="image", http_method="BREW", status_code_class="2xx")
    [((_name, _database, labels), bounds)] = store.exemplars.read().items()
    assert (labels, list(bounds)) == (("image", "other", "2xx"), ["0.5"])


def test_an_exemplar_that_is_being_written_is_not_shown(store, trace, monkeypatch):
    trace(TRACE)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr("odoo_telemetry.metrics.exemplars.time.time", interrupt)
    with pytest.raises(KeyboardInterrupt):
        KYC_STEP_LATENCY.observe(4.0, database="db", verification_service="kyc", step_name="document")
    monkeypatch.undo()
    assert store.exemplars.read() == {}
    KYC_STEP_LATENCY.observe(4.5, database="db", verification_service="kyc", step_name="document")
    assert [bounds["5.0"].value for bounds in store.exemplars.read().values()] == [4.5]


def test_a_trace_that_changes_under_the_reader_is_left_out(store, trace, monkeypatch):
    from odoo_telemetry.metrics.exemplars import ExemplarReader

    trace(1)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    read = ExemplarReader._cells

    def overtaken(self):
        cells = read(self)
        trace(2)
        KYC_STEP_LATENCY.observe(4.0, database="db", verification_service="kyc", step_name="document")
        return cells

    monkeypatch.setattr(ExemplarReader, "_cells", overtaken)
    assert store.exemplars.read() == {}


def test_a_full_disk_costs_exemplars_and_no_observation(store, trace, total, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("odoo_telemetry.metrics.exemplars.SlotExemplars.cells", full)
    trace(TRACE)
    KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name="document")
    assert total(LATENCY, LABELS, sample="5.0") == 1
    assert total("odoo_telemetry_errors_total", ("disk",), database=None) == 1


def test_threads_that_note_new_series_at_once_keep_them_apart(store, trace, monkeypatch):
    steps = ("document", "face")

    def observe(step):
        KYC_STEP_LATENCY.observe(3.0, database="db", verification_service="kyc", step_name=step)

    for step in steps:
        observe(step)
    reserve = SlotValues._reserve

    def slowly(values, size):
        time.sleep(0.05)
        reserve(values, size)

    monkeypatch.setattr(SlotValues, "_reserve", slowly)
    trace(TRACE)
    threads = [threading.Thread(target=observe, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(store.exemplars.read()) == {(LATENCY, "db", ("kyc", step)) for step in steps}
